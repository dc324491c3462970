"""Why an item is in a release or not: worked out again from the records, apart from what makes releases."""
