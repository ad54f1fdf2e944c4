package cloudtest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Key creates a KMS key and returns its ARN. The deletion of the key is scheduled when
// the test ends.
func Key(t testing.TB) string {
	t.Helper()
	client := kms.NewFromConfig(Config(t))
	out, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatalf("create a KMS key: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
		defer cancel()
		if _, err := client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: out.KeyMetadata.KeyId}); err != nil {
			t.Errorf("delete the KMS key: %v", err)
		}
	})
	return *out.KeyMetadata.Arn
}
