"""The folders that the tools read and write."""

from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
LOCAL = ROOT / ".local"  # everything that the tools write, apart from SAM's own .aws-sam
