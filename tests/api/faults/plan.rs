//! Faults between the statements of the ledger's transactions, put in by diesel's own instrumentation: the program under test
//! knows nothing of them. A plan belongs to one database, so that other tests go on beside.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use pingma::db::conn::DatabaseUrl;

/// What happens.
pub type Act = Arc<dyn Fn() + Send + Sync>;

/// What happens before which statement of every transaction of the ledger. `COMMIT` is one, and so is what comes after it.
#[derive(Default)]
pub struct Plan {
    order: Mutex<Option<(usize, Act)>>,
    fired: AtomicUsize,
    seen: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Plan {
    /// The plan of a database, from now on. Call it before the service opens the database.
    pub fn of(database: &DatabaseUrl) -> Arc<Self> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| set_default_instrumentation(watch).expect("nothing else watches"));
        let url = match database {
            DatabaseUrl::Sqlite(url) | DatabaseUrl::Postgres(url) => url.clone(),
        };
        Arc::clone(lock(&PLANS).get_or_insert_default().entry(url).or_default())
    }

    /// From now on, before statement `at` of every transaction (the first is `BEGIN`, 0).
    pub fn order(&self, at: usize, act: Act) {
        *lock(&self.order) = Some((at, act));
        lock(&self.seen).clear();
        self.fired.store(0, Ordering::SeqCst);
    }

    /// No more; says how often it happened.
    pub fn end(&self) -> usize {
        *lock(&self.order) = None;
        self.fired.load(Ordering::SeqCst)
    }

    /// The statement before which it happened last.
    pub fn last(&self) -> String {
        lock(&self.seen).last().cloned().unwrap_or_default()
    }

    /// Whether it happened after a commit. A second try may have other statements than the first.
    pub fn committed(&self) -> bool {
        lock(&self.seen).iter().any(|statement| statement == AFTER_COMMIT)
    }

    fn step(&self, step: usize, statement: impl FnOnce() -> String) {
        let act = lock(&self.order).clone().filter(|(at, _)| *at == step).map(|(_, act)| act);
        if let Some(act) = act {
            lock(&self.seen).push(statement());
            self.fired.fetch_add(1, Ordering::SeqCst);
            act();
        }
    }
}

/// Stands for what comes after a commit.
const AFTER_COMMIT: &str = "after COMMIT";

static PLANS: Mutex<Option<HashMap<String, Arc<Plan>>>> = Mutex::new(None);

fn watch() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(Watch::default()))
}

/// Counts the statements of one connection's transaction.
#[derive(Default)]
struct Watch {
    plan: Option<Arc<Plan>>,
    step: usize,
}

/// A panic while a query is dropped would end the process, so only what comes before a statement counts, and the end of `COMMIT`.
impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                self.plan = lock(&PLANS).as_ref().and_then(|plans| plans.get(url)).cloned();
            }
            InstrumentationEvent::StartQuery { query, .. } if on_ledger() => {
                let statement = || query.to_string();
                if self.plan.is_some() && statement().starts_with("BEGIN") {
                    self.step = 0;
                }
                self.next(statement);
            }
            InstrumentationEvent::FinishQuery { query, error: None, .. }
                if self.plan.is_some() && on_ledger() && query.to_string() == "COMMIT" =>
            {
                self.next(|| AFTER_COMMIT.to_owned());
            }
            _ => {}
        }
    }
}

impl Watch {
    fn next(&mut self, statement: impl FnOnce() -> String) {
        if let Some(plan) = self.plan.clone() {
            let step = self.step;
            self.step += 1;
            plan.step(step, statement);
        }
    }
}

fn on_ledger() -> bool {
    std::thread::current().name().is_some_and(|name| name.starts_with("ledger-"))
}
