package strictjson_test

import (
	"fmt"
	"strings"

	"webhooks/shared/strictjson"
)

func Example() {
	object, err := strictjson.Parse([]byte(`{"name": "orders", "retries": 3, "Name": "?", "data": {"amount": 10.00}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	name, _ := strictjson.String(object["name"])
	retries, _ := strictjson.Int(object["retries"])
	fmt.Println(name, retries)
	fmt.Println("unchanged:", string(object["data"]))
	fmt.Println("unknown:", object.Unknown("name", "retries", "data"))
	// Output:
	// orders 3
	// unchanged: {"amount": 10.00}
	// unknown: [Name]
}

// Describe tells a caller why its JSON is refused.
func ExampleDescribe() {
	deep := `{"a":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`
	for _, text := range []string{`["a"]`, `{"a": 1`, `{"a": 1, "a": 2}`, `{"a": 01}`, deep} {
		_, err := strictjson.Parse([]byte(text))
		fmt.Println(strictjson.Describe(err))
	}
	// Output:
	// not an object
	// unexpected end
	// duplicate name /a
	// syntax error at byte 7
	// arrays and objects nested deeper than 100 levels
}
