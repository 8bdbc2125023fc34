// Package transfer gives a network the weights of another one.
//
// [Inherit] is for networks that differ by a few layers, such as a parent and its
// child in an architecture search.
package transfer
