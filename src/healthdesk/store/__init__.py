"""The only importer of SQLAlchemy: schema, migrations, one named function per query."""
