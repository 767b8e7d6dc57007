//! Random days at a station, played on both databases and in a plain model beside them: nobody may see a difference.

mod machine;
mod play;

use play::play;

use crate::support::TestApp;

/// Commands of one seed.
const COMMANDS: usize = 300;

async fn agree(seed: u64) {
    let (sqlite, counts) = play(&TestApp::sqlite(), seed, COMMANDS).await;
    let (postgres, _) = play(&TestApp::postgres(), seed, COMMANDS).await;
    assert_eq!(sqlite.len(), postgres.len());
    for (number, (one, other)) in sqlite.iter().zip(&postgres).enumerate() {
        assert_eq!(one, other, "seed {seed}, entry {number}");
    }
    let enough = counts.allowed >= 5 && counts.filled >= 3 && counts.handed_over >= 1;
    assert!(enough, "too little happened to mean anything: {counts:?}");
}

macro_rules! seeds {
    ($($name:ident $seed:literal;)+) => {$(
        #[actix_web::test]
        async fn $name() {
            agree($seed).await;
        }
    )+};
}

seeds! {
    both_databases_and_a_plain_model_agree_1 1;
    both_databases_and_a_plain_model_agree_2 20_260_615;
    both_databases_and_a_plain_model_agree_3 77;
    both_databases_and_a_plain_model_agree_4 4_242;
}
