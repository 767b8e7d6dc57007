//! What is the same for every table of rows. Macros, because diesel's types name the table and the database.

/// Declares a row that is read whole, written whole and shown as JSON.
macro_rules! rows {
    ($(#[$meta:meta])* $name:ident of $table:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, serde::Serialize, utoipa::ToSchema)]
        #[diesel(table_name = $table)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)+ }
    };
}

/// Insert and get by id.
macro_rules! basics {
    ($row:ident, $table:ident, $id:ty) => {
        impl $row {
            /// Adds it.
            ///
            /// # Errors
            /// The database; a value that must be unique.
            pub fn insert(&self, conn: &mut Conn) -> Result<(), DbError> {
                on_backend!(conn, c => diesel::insert_into($table::table).values(self).execute(c))?;
                Ok(())
            }

            /// Reads one.
            ///
            /// # Errors
            /// The database.
            pub fn get(conn: &mut Conn, id: $id) -> Result<Option<Self>, DbError> {
                Ok(on_backend!(conn, c => $table::table
                    .filter($table::id.eq(id))
                    .select(Self::as_select())
                    .first(c)
                    .optional())?)
            }
        }
    };
}

/// Reads one row and keeps it until the transaction ends.
macro_rules! lock {
    ($row:ident, $table:ident, $id:ty) => {
        impl $row {
            /// Reads one and keeps it as it is until the transaction ends; what refers to it is not held up. What depends
            /// on it must be read after this: on PostgreSQL every statement has its own view of the data. On SQLite a
            /// transaction that writes is alone anyway.
            ///
            /// # Errors
            /// The database.
            pub fn lock(conn: &mut Conn, id: $id) -> Result<Option<Self>, DbError> {
                let of = $table::table.filter($table::id.eq(id));
                Ok(match conn {
                    Conn::Sqlite(c) => of.select(Self::as_select()).first(c).optional()?,
                    Conn::Postgres(c) => {
                        of.select(Self::as_select()).for_no_key_update().first(c).optional()?
                    }
                })
            }
        }
    };
}

/// A keyset page of the rows of a query, newest first by the id of their table. With `reach` and a column, only those of the
/// caller's organization where the reach is no farther.
macro_rules! page_of {
    ($conn:ident, $page:ident, $table:ident, $query:expr $(, $reach:ident by $owner:expr)?) => {
        Ok(on_backend!($conn, c => {
            let newest_first = $query.select(Self::as_select()).order($table::id.desc());
            let mut query = newest_first.limit($page.limit).into_boxed();
            $(if let Some(own) = $reach.own() {
                query = query.filter($owner.eq(own));
            })?
            if let Some(after) = $page.after {
                query = query.filter($table::id.lt(after));
            }
            query.load(c)
        })?)
    };
}

/// Changes the one row of this id if it still is as the guard says; otherwise somebody else was faster.
macro_rules! update_if {
    ($conn:ident, $row:ident of $table:ident, $guard:expr, $changes:expr) => {
        $crate::db::one(on_backend!($conn, c => {
            let guarded = $table::table.filter($table::id.eq($row.id)).filter($guard);
            diesel::update(guarded).set($changes).execute(c)
        })?)
    };
}

/// Changes a row that nobody else changed since `version` was read.
macro_rules! update_version {
    ($conn:ident, $row:ident of $table:ident, $changes:expr) => {
        update_if!(
            $conn,
            $row of $table,
            $table::version.eq($row.version),
            ($changes, $table::version.eq($row.version + 1), $table::updated_at.eq($row.updated_at))
        )
    };
}
