//! Random days at a station, played on both databases and in a plain model beside them: nobody may see a difference.

mod machine;
mod play;

use play::play;

use crate::support::TestApp;

/// Days that are played, by their seeds.
const SEEDS: [u64; 4] = [1, 20_260_615, 77, 4_242];
/// Commands in each.
const COMMANDS: usize = 300;

#[actix_web::test]
async fn both_databases_and_a_plain_model_agree() {
    let mut told = [0; 3];
    for seed in SEEDS {
        let (sqlite, counts) = play(&TestApp::sqlite(), seed, COMMANDS).await;
        let (postgres, _) = play(&TestApp::postgres(), seed, COMMANDS).await;
        assert_eq!(sqlite.len(), postgres.len());
        for (number, (one, other)) in sqlite.iter().zip(&postgres).enumerate() {
            assert_eq!(one, other, "seed {seed}, command {number}");
        }
        told = [
            told[0] + counts.allowed,
            told[1] + counts.filled,
            told[2] + counts.handed_over,
        ];
    }
    let enough = told[0] >= 40 && told[1] >= 20 && told[2] >= 8;
    assert!(enough, "too little happened to mean anything: {told:?}");
}
