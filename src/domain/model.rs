//! Cylinder models as data. What a stamp leaves out is filled in from here, never the tare.

use super::cylinder::{Medium, Phase, Stamp};
use super::steel;

/// One model of GB 5842. Masses and volumes as in the 2006 and 2023 editions; the tare is only indicative and serves
/// to catch typing errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The usual name.
    pub name: &'static str,
    /// The name of the 2023 edition, where it differs.
    pub alias: Option<&'static str>,
    /// What it holds.
    pub medium: Medium,
    /// What comes out of its valve.
    pub phase: Phase,
    /// Water capacity in millilitres.
    pub water_capacity_ml: i32,
    /// Greatest mass of gas in grams.
    pub max_fill_g: i32,
    /// Lowest and highest usual tare in grams; `None` where no source gives one.
    pub usual_tare_g: Option<(i32, i32)>,
}

const fn model(
    names: (&'static str, Option<&'static str>),
    phase: Phase,
    water_capacity_ml: i32,
    max_fill_g: i32,
    usual_tare_g: Option<(i32, i32)>,
) -> Model {
    Model {
        name: names.0,
        alias: names.1,
        medium: Medium::Lpg,
        phase,
        water_capacity_ml,
        max_fill_g,
        usual_tare_g,
    }
}

/// The table of models. YSP23.5, YSP28.6 and YSP29.1 are left out on purpose: the figures in circulation exceed
/// the filling factor of 0.42 kg/l.
pub const MODELS: &[Model] = &[
    model(("YSP4.7", Some("YSP4.7/1.9")), Phase::Gas, 4_700, 1_900, Some((3_400, 3_400))),
    model(("YSP12", Some("YSP12/5.0")), Phase::Gas, 12_000, 5_000, Some((6_500, 6_500))),
    model(("YSP26.2", Some("YSP26.2/11.0")), Phase::Gas, 26_200, 11_000, Some((13_500, 13_500))),
    model(("YSP35.5", Some("YSP35.5/14.9")), Phase::Gas, 35_500, 14_900, Some((16_500, 16_500))),
    model(("YSP118", Some("YSP118/49.5")), Phase::Gas, 118_000, 49_500, Some((45_000, 47_000))),
    model(("YSP118-II", Some("YSP118-Ⅱ")), Phase::Dual, 118_000, 49_500, Some((45_000, 47_000))),
    model(("YSP118/液/49.5", None), Phase::Liquid, 118_000, 49_500, None),
];

/// Working pressure of every LPG cylinder of GB 5842, in kPa.
pub const WORKING_PRESSURE_KPA: i32 = 2_100;
/// Hydraulic test pressure of the same, in kPa.
pub const TEST_PRESSURE_KPA: i32 = 3_200;

/// What spellings of a model's name have in common: width, case, blanks and hyphens don't matter, points and strokes do.
fn name_key(name: &str) -> String {
    steel::spelled(name).chars().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '/')).collect()
}

/// Finds a model by either of its names, however it is spelled.
pub fn find(name: &str) -> Option<&'static Model> {
    let key = name_key(name);
    MODELS.iter().find(|m| name_key(m.name) == key || m.alias.is_some_and(|alias| name_key(alias) == key))
}

/// The greatest mass of LPG that a volume may hold by the filling factor of 0.42 kg/l, in grams.
pub const fn filling_limit_g(water_capacity_ml: i32) -> i32 {
    // At most 150 000 ml, so the product stays far below i32::MAX.
    water_capacity_ml * 42 / 100
}

/// Lowest and highest tare in grams per litre of water capacity that is believed of a model that is not in the table. Those
/// of the table have 380 to 720; light steels and small bottles with heavy fittings are left room.
const TARE_PER_LITRE_G: (i64, i64) = (300, 1_500);

/// Whether a cylinder of this volume can have this tare.
pub fn tare_fits_volume(tare_g: i32, water_capacity_ml: i32) -> bool {
    let (low, high) = TARE_PER_LITRE_G;
    let (tare, volume) = (i64::from(tare_g) * 1_000, i64::from(water_capacity_ml));
    (low * volume..=high * volume).contains(&tare)
}

impl Model {
    /// The first member of a stamp that is not as the model has it, and what the model has: a name that promises one
    /// cylinder must not stand on another.
    pub fn contradiction(&self, stamp: &Stamp) -> Option<(&'static str, String)> {
        let members = [
            ("medium", stamp.medium == self.medium, self.medium.to_string()),
            ("phase", stamp.phase == self.phase, self.phase.to_string()),
            (
                "water_capacity_ml",
                stamp.water_capacity_ml.get() == self.water_capacity_ml,
                self.water_capacity_ml.to_string(),
            ),
            ("max_fill_g", stamp.max_fill_g.get() == self.max_fill_g, self.max_fill_g.to_string()),
        ];
        members.into_iter().find_map(|(member, agrees, has)| (!agrees).then_some((member, has)))
    }

    /// Whether a stamped tare is believable: within `percent` of the usual range.
    pub fn tare_is_plausible(&self, tare_g: i32, percent: i32) -> bool {
        self.usual_tare_g.is_none_or(|(low, high)| {
            (low * (100 - percent) / 100..=high * (100 + percent) / 100).contains(&tare_g)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_model_exceeds_the_filling_factor() {
        for model in MODELS {
            assert!(model.max_fill_g <= filling_limit_g(model.water_capacity_ml), "{}", model.name);
        }
    }

    #[test]
    fn both_names_find_the_model() {
        assert_eq!(find("YSP35.5"), find("YSP35.5/14.9"));
        assert_eq!(find("YSP118-Ⅱ").unwrap().phase, Phase::Dual);
        for spelling in ["ysp118-ii", "ＹＳＰ１１８－ＩＩ", "YSP118Ⅱ", "YSP 118\u{2013}II"] {
            assert_eq!(find(spelling).unwrap().name, "YSP118-II", "{spelling}");
        }
        assert!(find("YSP28.6").is_none());
        assert!(find("YSP355").is_none(), "the point is not a blank");
    }

    #[test]
    fn a_tare_fits_its_volume() {
        for (tare_g, ml, fits) in [
            (16_500, 118_000, false),
            (35_399, 118_000, false),
            (35_400, 118_000, true),
            (16_500, 35_500, true),
            (750, 500, true),
            (751, 500, false),
        ] {
            assert_eq!(tare_fits_volume(tare_g, ml), fits, "{tare_g} g, {ml} ml");
        }
        for known in MODELS {
            for tare_g in known.usual_tare_g.into_iter().flat_map(|(low, high)| [low, high]) {
                assert!(tare_fits_volume(tare_g, known.water_capacity_ml), "{}", known.name);
            }
        }
    }

    #[test]
    fn a_tare_is_believed_within_the_band() {
        let model = find("YSP35.5").unwrap();
        for (tare_g, plausible) in
            [(14_849, false), (14_850, true), (16_500, true), (18_150, true), (18_151, false)]
        {
            assert_eq!(model.tare_is_plausible(tare_g, 10), plausible, "{tare_g}");
        }
    }
}
