"""Photos of forms and racks, read many at once into a worklist; no photo is ever stored."""
