.PHONY: test-up test-down
test-up: ## Start the test cloud
	@python3 .localcloud/stack.py test-up
test-down: ## Stop the test cloud
	@python3 .localcloud/stack.py test-down
