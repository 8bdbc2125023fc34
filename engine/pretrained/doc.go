// Package pretrained reads networks that others have trained: ONNX files, and safetensors
// files with the names of torchvision and timm for the architectures that it knows.
package pretrained
