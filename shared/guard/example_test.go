package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
	"webhooks/shared/guard"
	"webhooks/shared/webhook"
)

// A customer registers URLs. The answer to a refused one says why.
func Example() {
	g, err := guard.New(guard.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, url := range []string{
		"https://Hooks.Example.com:443/orders",
		"http://hooks.example.com/orders",
		"https://user:password@hooks.example.com/orders",
		"https://hooks.example.com:22/orders",
		"https://169.254.169.254/latest/meta-data/",
		"https://2130706433/", // 127.0.0.1
		"https://database.internal/",
	} {
		body := fmt.Sprintf(`{"name":"orders","url":%q,"events":["training.failed"]}`, url)
		if _, err := webhook.DecodeRegistration([]byte(body), g); err != nil {
			fmt.Printf("%s\n  refused: %s\n", url, apperr.From(err).Fields[0].Message(locale.English))
			continue
		}
		fmt.Printf("%s\n  accepted\n", url)
	}
	// Output:
	// https://Hooks.Example.com:443/orders
	//   accepted
	// http://hooks.example.com/orders
	//   refused: must use https
	// https://user:password@hooks.example.com/orders
	//   refused: must not contain a user name or password
	// https://hooks.example.com:22/orders
	//   refused: has a port that is not allowed
	// https://169.254.169.254/latest/meta-data/
	//   refused: must point to a public address
	// https://2130706433/
	//   refused: must point to a public address
	// https://database.internal/
	//   refused: must point to a public address
}

// CheckURL returns the form of the URL that is dialled.
func ExampleGuard_CheckURL() {
	g, err := guard.New(guard.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := g.CheckURL("https://Hooks.Example.com.:443/订单")
	fmt.Println(u, err)
	_, err = g.CheckURL("https://10.0.0.1/")
	fmt.Println(err)
	// Output:
	// https://hooks.example.com/%E8%AE%A2%E5%8D%95 <nil>
	// url refused: address
}

// DialContext checks the address that it dials, also after a DNS look-up.
func ExampleGuard_DialContext() {
	g, err := guard.New(guard.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dial := func(address string) error {
		_, err := g.DialContext(context.Background(), "tcp", address)
		return err
	}
	for _, host := range []string{"10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254"} {
		fmt.Println(host, errors.Is(dial(net.JoinHostPort(host, "443")), guard.ErrRefused))
	}
	// Output:
	// 10.0.0.1 true
	// 127.0.0.1 true
	// 169.254.169.254 true
	// fd00:ec2::254 true
}
