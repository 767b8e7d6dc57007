//! The model: what must become of every command, written down a second time, plainly and without a look at the rules.

use chrono::{Months, NaiveDate};

/// Grams of steel.
pub const TARE_G: i32 = 16_500;
/// Grams of gas at most.
pub const MAX_G: i32 = 14_900;
/// Seconds of a permit.
const PERMIT_S: i64 = 600;

/// Who has a cylinder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Owner,
    Filler,
    Customer,
    Agency,
    Authority,
}

/// The last fill of a cylinder.
#[derive(Debug, Clone, Copy)]
pub struct Fill {
    pub number: usize,
    at: i64,
    moved: bool,
    emptied: bool,
    heaviest_g: i32,
    over: bool,
    unchecked: bool,
    added: bool,
    /// Filled on a permit when the license was suspended already, or the cylinder's last day was over.
    overtaken: bool,
}

impl Fill {
    pub fn held(&self) -> bool {
        self.over || self.unchecked || self.added || self.overtaken
    }
}

#[derive(Debug, Clone)]
pub struct Cylinder {
    /// Whether the station owns it; otherwise its rival does.
    pub ours: bool,
    /// How many labels it had.
    pub labels: usize,
    pub due: NaiveDate,
    pub life_end: NaiveDate,
    pub scrapped: bool,
    pub seized: bool,
    pub blacklisted: bool,
    pub lost: bool,
    pub holder: Holder,
    since: i64,
    gas_g: i32,
    pub fill: Option<Fill>,
    permit: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Permit {
    cylinder: usize,
    scale: usize,
    operator: usize,
    issued: i64,
    expires: i64,
    used: bool,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Refused,
    /// Allowed, with a permit by its number: a new one or the same again.
    Allowed(usize),
}

/// What a command comes to that either happens or is an error: status and code.
pub type Acted = Result<(), (u16, &'static str)>;

const CONFLICT: Acted = Err((409, "state_conflict"));

#[derive(Debug, Default)]
pub struct Machine {
    /// Seconds since 1970.
    pub now: i64,
    pub license_suspended: bool,
    pub cylinders: Vec<Cylinder>,
    permits: Vec<Permit>,
    /// The newest permit of each scale.
    newest: [Option<usize>; 2],
    /// Fills: which cylinder's.
    pub fills: Vec<usize>,
}

fn day(at: i64) -> NaiveDate {
    chrono::DateTime::from_timestamp(at + 8 * 3_600, 0).expect("in range").date_naive()
}

impl Machine {
    pub fn new(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    pub fn today(&self) -> NaiveDate {
        day(self.now)
    }

    pub fn permits(&self) -> usize {
        self.permits.len()
    }

    pub fn register(&mut self, ours: bool, due: NaiveDate, life_end: NaiveDate) {
        self.cylinders.push(Cylinder {
            ours,
            labels: 1,
            due,
            life_end,
            scrapped: false,
            seized: false,
            blacklisted: false,
            lost: false,
            holder: Holder::Owner,
            since: self.now,
            gas_g: 0,
            fill: None,
            permit: None,
        });
    }

    fn is_bad(&self, c: &Cylinder, label: usize) -> bool {
        let today = self.today();
        label + 1 != c.labels
            || c.scrapped
            || c.seized
            || c.blacklisted
            || c.lost
            || today > c.due
            || today > c.life_end
            || !c.ours
    }

    fn is_past(&self, cylinder: usize) -> bool {
        let (today, c) = (self.today(), &self.cylinders[cylinder]);
        today > c.due || today > c.life_end
    }

    /// The permit that is open for a cylinder.
    fn open(&self, cylinder: usize) -> Option<usize> {
        let number = self.cylinders[cylinder].permit?;
        let permit = self.permits[number];
        (self.newest[permit.scale] == Some(number) && self.now <= permit.expires).then_some(number)
    }

    pub fn check(
        &mut self,
        at: usize,
        label: usize,
        scale: usize,
        operator: usize,
        reading_g: i32,
    ) -> Checked {
        let c = &self.cylinders[at];
        let wrong_weight = !(TARE_G - 400..=TARE_G + MAX_G / 2).contains(&reading_g);
        let here = c.fill.is_some_and(|f| !f.moved) || c.holder == Holder::Customer;
        let too_soon = here && c.fill.is_some_and(|f| !f.emptied && self.now - f.at < 12 * 3_600);
        let held = c.fill.is_some_and(|f| f.held() && !f.emptied);
        let open = self.open(at);
        let elsewhere =
            open.is_some_and(|p| self.permits[p].scale != scale || self.permits[p].operator != operator);
        let busy = self.newest[scale].is_some_and(|p| {
            self.open(self.permits[p].cylinder) == Some(p) && self.permits[p].operator != operator
        });
        if self.is_bad(c, label)
            || self.license_suspended
            || wrong_weight
            || too_soon
            || held
            || elsewhere
            || busy
        {
            let same = |p: usize| self.permits[p].scale == scale && self.permits[p].operator == operator;
            if c.permit.is_some_and(same) {
                self.cylinders[at].permit = None;
            }
            return Checked::Refused;
        }
        let number = open.unwrap_or_else(|| {
            self.permits.push(Permit {
                cylinder: at,
                scale,
                operator,
                issued: self.now,
                expires: self.now + PERMIT_S,
                used: false,
            });
            self.permits.len() - 1
        });
        self.newest[scale] = Some(number);
        self.cylinders[at].permit = Some(number);
        Checked::Allowed(number)
    }

    /// A fill of the last minute: whether it is held, none if it is refused.
    pub fn fill(
        &mut self,
        number: usize,
        operator: usize,
        net_g: i32,
        checked: bool,
    ) -> Result<Option<bool>, (u16, &'static str)> {
        let permit = self.permits[number];
        if self.now < permit.issued {
            return Err((422, "invalid"));
        }
        let current = self.cylinders[permit.cylinder].permit == Some(number)
            && self.newest[permit.scale] == Some(number);
        if permit.used || !current || permit.operator != operator || self.now - 60 > permit.expires {
            return Ok(None);
        }
        self.permits[number].used = true;
        let fill = Fill {
            number: self.fills.len(),
            at: self.now,
            moved: false,
            emptied: false,
            heaviest_g: net_g,
            over: net_g > MAX_G,
            unchecked: !checked,
            added: false,
            // What the permit rests on is judged again: without a license or after the last day the fill is held too.
            overtaken: self.license_suspended || self.is_past(permit.cylinder),
        };
        self.fills.push(permit.cylinder);
        let c = &mut self.cylinders[permit.cylinder];
        c.permit = None;
        c.gas_g = net_g;
        c.fill = Some(fill);
        c.holder = Holder::Filler;
        c.since = fill.at - 5;
        Ok(Some(fill.held()))
    }

    /// A second weighing with a complete check: whether the fill is held still.
    pub fn reweigh(&mut self, number: usize, net_g: i32) -> Result<bool, (u16, &'static str)> {
        let overtaken = self.license_suspended || self.is_past(self.fills[number]);
        let c = &mut self.cylinders[self.fills[number]];
        match c.fill.as_mut() {
            Some(f) if f.number == number && !f.moved && !c.scrapped => {
                let vanished = f.heaviest_g - net_g > 500;
                f.emptied &= net_g <= MAX_G / 2;
                f.added |= net_g - f.heaviest_g > 500;
                f.heaviest_g = f.heaviest_g.max(net_g);
                f.over = net_g > MAX_G || vanished;
                f.unchecked = false;
                f.overtaken &= overtaken;
                c.gas_g = net_g;
                Ok(f.held())
            }
            _ => Err((409, "state_conflict")),
        }
    }

    fn move_to(&mut self, at: usize, holder: Holder) {
        let now = self.now;
        let c = &mut self.cylinders[at];
        c.holder = holder;
        c.since = now;
        c.permit = None;
        if let Some(f) = c.fill.as_mut() {
            f.moved = true;
        }
    }

    /// Whether a handover is accepted.
    pub fn hand_over(&mut self, at: usize, label: usize) -> bool {
        let c = &self.cylinders[at];
        let unfit = c.fill.is_none_or(|f| f.held()) || c.gas_g <= MAX_G / 2;
        if self.is_bad(c, label) || unfit || matches!(c.holder, Holder::Customer | Holder::Agency) {
            return false;
        }
        self.move_to(at, Holder::Customer);
        true
    }

    /// The agency takes a cylinder in.
    pub fn receive(&mut self, at: usize) -> Acted {
        let c = &self.cylinders[at];
        if c.scrapped || c.holder == Holder::Agency || self.open(at).is_some() {
            return CONFLICT;
        }
        self.move_to(at, Holder::Agency);
        Ok(())
    }

    pub fn take_back(&mut self, at: usize, label: usize) -> Acted {
        let c = &mut self.cylinders[at];
        if label + 1 != c.labels {
            return CONFLICT;
        }
        if c.scrapped || c.seized || c.holder == Holder::Filler {
            return CONFLICT;
        }
        // What its owner or an agency has does not come to us by our word.
        if !c.ours && matches!(c.holder, Holder::Owner | Holder::Agency) {
            return Ok(());
        }
        // From the owner's own hand it only comes home.
        if c.ours && c.holder == Holder::Owner {
            c.holder = Holder::Filler;
            c.since = self.now;
            c.permit = None;
            return Ok(());
        }
        if c.fill.is_none_or(|f| !f.held()) {
            c.gas_g = 0;
        }
        self.move_to(at, Holder::Filler);
        Ok(())
    }

    pub fn empty(&mut self, at: usize, label: usize, witnessed: bool, residual_g: i32) -> Acted {
        let c = &mut self.cylinders[at];
        if c.scrapped || c.seized || label + 1 != c.labels {
            return CONFLICT;
        }
        if !c.ours {
            return Err((403, "forbidden"));
        }
        if c.holder == Holder::Customer {
            return CONFLICT;
        }
        let most_g = c.fill.filter(|f| !f.moved).map_or(MAX_G.max(c.gas_g), |f| f.heaviest_g);
        if residual_g > most_g || (c.fill.is_some_and(|f| !f.moved || f.held()) && !witnessed) {
            return Err((422, "invalid"));
        }
        c.gas_g = c.gas_g.min(residual_g);
        if let Some(f) = c.fill.as_mut() {
            let half = residual_g <= MAX_G / 2;
            f.emptied |= half;
            f.heaviest_g = f.heaviest_g.min(residual_g);
            f.over &= residual_g > MAX_G;
            f.added &= !half;
            f.overtaken &= !half;
        }
        Ok(())
    }

    pub fn inspect(&mut self, at: usize, passed: bool) -> Acted {
        let today = self.today();
        let c = &self.cylinders[at];
        if c.scrapped {
            return CONFLICT;
        }
        if c.holder != Holder::Agency {
            return CONFLICT;
        }
        if day(c.since) > today {
            return Err((422, "invalid"));
        }
        if passed && (c.seized || today > c.life_end) {
            return CONFLICT;
        }
        self.move_to(at, Holder::Agency);
        let c = &mut self.cylinders[at];
        c.gas_g = 0;
        if let Some(f) = c.fill.as_mut() {
            f.emptied = true;
        }
        if passed {
            c.due = (today + Months::new(48)).min(c.life_end);
        } else {
            c.scrapped = true;
        }
        Ok(())
    }

    pub fn seize(&mut self, at: usize) -> Acted {
        if self.cylinders[at].scrapped || self.cylinders[at].seized {
            return CONFLICT;
        }
        self.cylinders[at].seized = true;
        self.move_to(at, Holder::Authority);
        Ok(())
    }

    pub fn blacklist(&mut self, at: usize, on: bool) -> Acted {
        let c = &mut self.cylinders[at];
        if c.scrapped || c.blacklisted == on {
            return CONFLICT;
        }
        c.blacklisted = on;
        if on {
            c.permit = None;
        }
        Ok(())
    }

    /// Acts of the owner, tried by the station: on its rival's cylinders it may not, or may not know that they exist.
    fn own(c: &Cylinder) -> Acted {
        match (c.ours, c.holder) {
            (true, _) => Ok(()),
            (false, Holder::Filler) => Err((403, "forbidden")),
            (false, _) => Err((404, "cylinder_not_found")),
        }
    }

    pub fn lose(&mut self, at: usize, lost: bool) -> Acted {
        let c = &mut self.cylinders[at];
        Self::own(c)?;
        if c.scrapped || c.lost == lost {
            return CONFLICT;
        }
        c.lost = lost;
        if lost {
            c.permit = None;
        }
        Ok(())
    }

    pub fn replace_label(&mut self, at: usize) -> Acted {
        let c = &mut self.cylinders[at];
        Self::own(c)?;
        if c.scrapped || c.seized {
            return CONFLICT;
        }
        c.labels += 1;
        c.permit = None;
        Ok(())
    }
}
