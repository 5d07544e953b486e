package ring

import "testing"

func TestLen(t *testing.T) {
	r := New[int](2)
	for i, want := range []int{1, 2, 2} {
		r.Put(i)
		if r.Len() != want {
			t.Fatalf("got %d, want %d", r.Len(), want)
		}
	}
}
