"""How a database comes to have the present tables: ``versions`` in their order, run by ``server.db.migrate``."""
