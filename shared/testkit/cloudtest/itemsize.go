package cloudtest

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"webhooks/shared/aws/dynamo"
)

// ItemSize returns the size of item in bytes, as DynamoDB counts it:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
// It fails the test on an attribute of a type that no table has. t may be the test of a
// property, too.
func ItemSize(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, item dynamo.Item) int {
	t.Helper()
	size := 0
	for name, value := range item {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberB:
			size += len(v.Value)
		case *types.AttributeValueMemberBOOL:
			size++
		case *types.AttributeValueMemberN:
			size += numberSize(v.Value)
		case *types.AttributeValueMemberNS:
			for _, n := range v.Value {
				size += numberSize(n)
			}
		default:
			t.Fatalf("the attribute %s has the unexpected type %T", name, value)
		}
	}
	return size
}

func numberSize(digits string) int { return (len(digits)+1)/2 + 1 }
