// Package ring keeps the last few of many things.
package ring

// Ring keeps the last n things that were put into it. It is not safe for concurrent use.
type Ring[T any] struct {
	items []T
	next  int
	count int
}

// New makes a ring for n things, which must be at least one.
func New[T any](n int) *Ring[T] {
	if n < 1 {
		panic("ring: there must be room for one")
	}
	return &Ring[T]{items: make([]T, n)}
}

// Put adds a thing; the oldest goes where there is no room.
func (r *Ring[T]) Put(thing T) {
	r.items[r.next] = thing
	r.next = (r.next + 1) % len(r.items)
	if r.count < len(r.items) {
		r.count++
	}
}

// Len says how many there are.
func (r *Ring[T]) Len() int { return r.count }

// Items copies what is in it, the oldest first.
func (r *Ring[T]) Items() []T {
	found := make([]T, 0, r.count)
	first := (r.next - r.count + len(r.items)) % len(r.items)
	for i := 0; i < r.count; i++ {
		found = append(found, r.items[(first+i)%len(r.items)])
	}
	return found
}

// Clear empties it. What was in it is not kept alive by it any more.
func (r *Ring[T]) Clear() {
	var nothing T
	for i := range r.items {
		r.items[i] = nothing
	}
	r.next, r.count = 0, 0
}
