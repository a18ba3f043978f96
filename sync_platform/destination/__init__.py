"""Where rows go: Postgres, a schema per connection, a table per object."""
