module microrun/examples/mixed

go 1.14

require (
	github.com/golang/protobuf v1.3.3
	github.com/micro/go-micro/v2 v2.3.0
	github.com/micro/go-plugins/registry/kubernetes/v2 v2.3.0
)

replace (
	k8s.io/api => k8s.io/api v0.0.0-20190708174958-539a33f6e817
	k8s.io/apimachinery => k8s.io/apimachinery v0.0.0-20190404173353-6a84e37a896d
	k8s.io/client-go => k8s.io/client-go v11.0.0+incompatible
)
