package faulttest

import (
	"net/http"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Answer returns err as the SDK returns it after an answer of AWS with this status.
func Answer(status int, err error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
}
