//! A service of its own for every test, with a clock that stands, seeded chance, and a small cast of people.

pub mod app;
pub mod cast;
pub mod chance;
pub mod database;
pub mod driver;
pub mod examples;
pub mod holdings;
pub mod noise;
pub mod world;

pub use app::TestApp;
pub use cast::Cast;
pub use world::World;

/// One test for both databases: `both!(name, |app| async move { … })` on a fresh [`TestApp`].
#[macro_export]
macro_rules! both {
    ($(#[$meta:meta])* async fn $name:ident($app:ident) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($app: $crate::support::TestApp) $body

            #[actix_web::test]
            async fn sqlite() {
                run($crate::support::TestApp::sqlite()).await;
            }

            #[actix_web::test]
            async fn postgres() {
                run($crate::support::TestApp::postgres()).await;
            }
        }
    };
}
