package retrydb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type cursorItem struct {
	rowKey
	Minute Minute `dynamodbav:"minute"`
}

// cursorKey is the key of the cursor, the only item that is not a row. It has no TTL.
var cursorKey = rowKey{"cursor", "cursor"}

// Cursor returns the first minute that may still have rows, and false if the table
// has no cursor yet.
func (s *Store) Cursor(ctx context.Context) (Minute, bool, error) {
	output, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: cursorKey.item(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return 0, false, fmt.Errorf("read the cursor: %w", err)
	}
	if output.Item == nil {
		return 0, false, nil
	}
	var c cursorItem
	if err := attributevalue.UnmarshalMap(output.Item, &c); err != nil {
		return 0, false, fmt.Errorf("read the cursor: %w", err)
	}
	return c.Minute, true, nil
}

// Advance moves the cursor forward to m. It does nothing if the cursor is at or past
// m: another retrier may have moved it meanwhile.
func (s *Store) Advance(ctx context.Context, m Minute) error {
	behind := expression.Or(
		expression.AttributeNotExists(expression.Name("due")),
		expression.Name("minute").LessThan(expression.Value(int64(m))))
	condition, err := expression.NewBuilder().WithCondition(behind).Build()
	if err != nil {
		return fmt.Errorf("build the condition of the cursor: %w", err)
	}
	encoded, err := attributevalue.MarshalMap(cursorItem{cursorKey, m})
	if err != nil {
		return fmt.Errorf("encode the cursor: %w", err)
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: encoded,
		ConditionExpression:       condition.Condition(),
		ExpressionAttributeNames:  condition.Names(),
		ExpressionAttributeValues: condition.Values(),
	})
	var ahead *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &ahead) {
		return fmt.Errorf("advance the cursor: %w", err)
	}
	return nil
}
