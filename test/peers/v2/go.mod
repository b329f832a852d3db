module microrun/test/peers/v2

go 1.14

require (
	github.com/golang/protobuf v1.3.2
	github.com/micro/go-micro/v2 v2.3.0
	github.com/micro/go-plugins/registry/kubernetes/v2 v2.3.0
)
