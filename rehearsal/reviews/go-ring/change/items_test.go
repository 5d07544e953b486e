package ring

import (
	"reflect"
	"testing"
)

func TestItems(t *testing.T) {
	r := New[int](3)
	for i, want := range [][]int{{0}, {0, 1}, {0, 1, 2}, {1, 2, 3}, {2, 3, 4}} {
		r.Put(i)
		if got := r.Items(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestItemsAreACopy(t *testing.T) {
	r := New[int](1)
	r.Put(1)
	r.Items()[0] = 9
	if r.Items()[0] != 1 {
		t.Fatal("changed from outside")
	}
}

func TestClear(t *testing.T) {
	r := New[int](2)
	r.Put(1)
	r.Put(2)
	r.Put(3)
	r.Clear()
	if r.Len() != 0 || len(r.Items()) != 0 {
		t.Fatal("not empty")
	}
	r.Put(4)
	if got := r.Items(); !reflect.DeepEqual(got, []int{4}) {
		t.Fatalf("got %v", got)
	}
}
