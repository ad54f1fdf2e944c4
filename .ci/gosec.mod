// Pins gosec apart from go.mod, which holds what the functions are built of: `go tool -modfile=.ci/gosec.mod gosec`.
// Version 2.20.0, because later ones link clients of three AI services and gRPC, and build for minutes.
module webhooks

go 1.26.8

tool github.com/securego/gosec/v2/cmd/gosec

require (
	github.com/ccojocar/zxcvbn-go v1.0.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gookit/color v1.5.4 // indirect
	github.com/securego/gosec/v2 v2.20.0 // indirect
	github.com/xo/terminfo v0.0.0-20210125001918-ca9a967f8778 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
