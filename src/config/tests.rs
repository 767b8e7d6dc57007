//! Layers, bounds, masks.

use std::error::Error as _;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;

const TOKEN: &str = "correct-horse-battery";

/// Loads with a default settings file of this content, if any.
fn load(file: Option<&str>, env: &[(&str, &str)], overrides: Overrides) -> Result<Settings, ConfigError> {
    let dir = TempDir::new().unwrap();
    if let Some(text) = file {
        std::fs::write(dir.path().join(DEFAULT_FILE), text).unwrap();
    }
    load_in(dir.path(), env, overrides)
}

fn load_in(dir: &Path, env: &[(&str, &str)], overrides: Overrides) -> Result<Settings, ConfigError> {
    let env = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Settings::load(overrides, env, dir)
}

fn from_file(text: &str) -> Result<Settings, ConfigError> {
    load(Some(text), &[], Overrides::default())
}

fn from_env(name: &str, value: &str) -> Result<Settings, ConfigError> {
    load(None, &[(name, value)], Overrides::default())
}

/// The message, of this error and all below it.
fn message(result: Result<Settings, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn without_any_layer_the_defaults_are_in_force() {
    let settings = load(None, &[("PATH", "/bin"), ("pingma_listen", "x")], Overrides::default()).unwrap();
    let mut described = settings.describe();
    let workers = described.as_object_mut().unwrap().remove("http_workers").unwrap();
    assert!((1..=64).contains(&workers.as_u64().unwrap()));
    assert_eq!(
        described,
        json!({
            "database": "sqlite://pingma.db",
            "listen": "127.0.0.1:8080",
            "tls_certificate": null,
            "tls_key": null,
            "public_url": "http://127.0.0.1:8080",
            "key_file": "pingma.db.keys",
            "time_zone": "Asia/Shanghai",
            "label_font": null,
            "complaint_phone": "12315",
            "complaint_authority": null,
            "log": "info",
            "log_format": "text",
            "pool_size": 8,
            "queue_length": 4096,
            "clock_gap_days": 180,
            "metrics_token": null,
            "allow_fsync_off": false,
            "login_rate_per_minute": 30,
            "public_rate_per_minute": 60,
            "typed_rate_per_minute": 60,
            "trusted_proxies": [],
            "shutdown_timeout_s": 20,
        })
    );
}

#[test]
fn the_later_layer_wins() {
    let file = "pool_size = 2\nqueue_length = 20\nlisten = \"127.0.0.1:30\"\n";
    let env = [("PINGMA_QUEUE_LENGTH", "21"), ("PINGMA_LISTEN", "127.0.0.1:31")];
    let overrides = Overrides { listen: Some("127.0.0.1:32".to_owned()), ..Overrides::default() };
    let settings = load(Some(file), &env, overrides).unwrap();
    let numbers = [settings.pool_size.get(), settings.queue_length.get(), settings.listen.port().into()];
    assert_eq!(numbers, [2, 21, 32]);
    assert_eq!(settings.shutdown_timeout_s.get(), 20);
}

#[test]
fn a_named_file_takes_the_place_of_the_default_and_must_exist() {
    let dir = TempDir::new().unwrap();
    for (name, size) in [(DEFAULT_FILE, 1), ("env.toml", 2), ("arg", 3)] {
        std::fs::write(dir.path().join(name), format!("pool_size = {size}")).unwrap();
    }
    let size = |env: &[(&str, &str)], config: Option<&str>| {
        let overrides = Overrides { config: config.map(PathBuf::from), ..Overrides::default() };
        load_in(dir.path(), env, overrides).map(|settings| settings.pool_size.get())
    };
    assert_eq!(size(&[], None).unwrap(), 1);
    assert_eq!(size(&[(ENV_FILE, "env.toml")], None).unwrap(), 2);
    assert_eq!(size(&[(ENV_FILE, "env.toml")], Some("arg")).unwrap(), 3);
    let absolute = dir.path().join("env.toml");
    assert_eq!(size(&[], absolute.to_str()).unwrap(), 2);
    for missing in [size(&[(ENV_FILE, "none.toml")], None), size(&[], Some("none.toml"))] {
        let error = missing.unwrap_err();
        assert!(
            matches!(&error, ConfigError::File { path, .. } if path == Path::new("none.toml")),
            "{error}"
        );
        assert!(error.source().is_some());
    }
    assert!(matches!(size(&[(ENV_FILE, "")], None), Err(ConfigError::File { .. })));
}

#[test]
fn a_default_file_that_is_there_but_unreadable_is_not_passed_over() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join(DEFAULT_FILE)).unwrap();
    assert!(matches!(load_in(dir.path(), &[], Overrides::default()), Err(ConfigError::File { .. })));
    let large = "#".repeat(300_000);
    assert!(message(from_file(&large)).contains("larger than 262144 bytes"));
}

#[test]
fn unknown_keys_in_the_file_are_refused() {
    for (text, key) in [
        ("pool_size = 2\npool_sise = 3\n", "pool_sise"),
        ("[server]\nlisten = \"127.0.0.1:1\"\n", "server"),
        ("\"log.level\" = \"info\"\n", "log.level"),
        ("Listen = \"127.0.0.1:1\"\n", "Listen"),
        ("config = \"x\"\n", "config"),
    ] {
        let text = message(from_file(text));
        assert!(
            text.starts_with(&format!("pingma.toml: there is no setting {key:?}; allowed are ")),
            "{text}"
        );
        assert!(text.contains("allow_fsync_off") && text.contains("trusted_proxies"), "{text}");
    }
}

#[test]
fn unknown_keys_in_the_environment_are_refused() {
    for name in ["PINGMA_POOL_SISE", "PINGMA_pool_size", "PINGMA_", "PINGMA_LOG.X", "PINGMA_TESTS"] {
        let text = message(from_env(name, "hidden-value"));
        assert!(
            text.starts_with(&format!("environment: there is no setting {name:?}; allowed are ")),
            "{text}"
        );
        assert!(text.contains("PINGMA_POOL_SIZE") && text.contains("PINGMA_CONFIG"), "{text}");
        assert!(!text.contains("hidden-value"), "{text}");
    }
    assert!(from_env("PINGMA_TEST_POSTGRES_TCP", "0").is_ok());
    assert!(from_env("PINGMAX", "0").is_ok());
}

#[test]
fn what_the_command_line_says_are_settings() {
    let text = || Some("x".to_owned());
    let all = Overrides {
        config: None,
        database: text(),
        listen: text(),
        public_url: text(),
        key_file: text(),
        allow_fsync_off: text(),
    };
    let values = all.into_values();
    assert_eq!(values.len(), 5);
    assert!(values.keys().all(|key| keys().contains(key)), "{values:?}");
}

#[test]
fn every_key_can_be_set_in_the_file_and_in_the_environment() {
    let values = [
        ("database", "\"postgres://db/pingma\""),
        ("listen", "\"0.0.0.0:80\""),
        ("tls_certificate", "\"/etc/pingma.crt\""),
        ("tls_key", "\"/etc/pingma.key\""),
        ("public_url", "\"https://q.example.cn\""),
        ("key_file", "\"/etc/pingma.keys\""),
        ("time_zone", "\"Asia/Urumqi\""),
        ("label_font", "\"/usr/share/fonts/a.ttf\""),
        ("complaint_phone", "\"021-12345\""),
        ("complaint_authority", "\"市场监督管理局\""),
        ("log", "\"warn,pingma=trace\""),
        ("log_format", "\"json\""),
        ("pool_size", "3"),
        ("queue_length", "17"),
        ("http_workers", "5"),
        ("clock_gap_days", "7"),
        ("metrics_token", "\"***\""),
        ("allow_fsync_off", "true"),
        ("login_rate_per_minute", "1"),
        ("public_rate_per_minute", "2"),
        ("typed_rate_per_minute", "3"),
        ("trusted_proxies", "[\"10.0.0.1\",\"::1\"]"),
        ("shutdown_timeout_s", "300"),
    ];
    let mut described = Settings::default().describe();
    for (key, value) in values {
        described[key] = serde_json::from_str(value).unwrap();
    }
    assert_eq!(described.as_object().unwrap().len(), values.len());

    let file: String = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let settings = from_file(&file.replace(MASK, TOKEN)).unwrap();
    assert_eq!(settings.describe(), described);
    assert_eq!(settings.metrics_token.unwrap().secret().expose_secret(), TOKEN);

    let env: Vec<(String, String)> = values
        .iter()
        .map(|(key, value)| {
            let value = value.replace(['"', '[', ']'], "").replace(MASK, TOKEN);
            (Origin::Environment.spell(key), value)
        })
        .collect();
    let settings = Settings::load(Overrides::default(), env, Path::new("/nonexistent")).unwrap();
    assert_eq!(settings.describe(), described);
}

#[test]
fn numbers_have_bounds() {
    for (key, min, max) in [
        ("pool_size", 1, 64),
        ("queue_length", 16, 65_536),
        ("http_workers", 1, 64),
        ("clock_gap_days", 1, 3650),
        ("login_rate_per_minute", 1, 100_000),
        ("public_rate_per_minute", 1, 100_000),
        ("typed_rate_per_minute", 1, 100_000),
        ("shutdown_timeout_s", 1, 300),
    ] {
        for good in [min, max] {
            let settings = from_file(&format!("{key} = {good}")).unwrap();
            assert_eq!(settings.describe()[key], good);
        }
        let allowed = format!("must be a whole number from {min} to {max}");
        for bad in [(min - 1).to_string(), (max + 1).to_string(), "-1".into(), "1.5".into(), "true".into()] {
            let text = message(from_file(&format!("{key} = {bad}")));
            assert_eq!(text, format!("pingma.toml: {key} {allowed}, not {bad:?}"));
        }
        for bad in ["[1]", "{ a = 1 }"] {
            assert_eq!(
                message(from_file(&format!("{key} = {bad}"))),
                format!("pingma.toml: {key} {allowed}")
            );
        }
        let name = Origin::Environment.spell(key);
        assert_eq!(message(from_env(&name, "x")), format!("environment: {name} {allowed}, not \"x\""));
    }
    let overrides = Overrides { allow_fsync_off: Some("65".to_owned()), ..Overrides::default() };
    let text = message(load(None, &[], overrides));
    assert_eq!(text, "command line: --allow-fsync-off must be true or false, not \"65\"");
}

#[test]
fn a_number_out_of_bounds_can_only_be_clamped() {
    assert_eq!(Bounded::<2, 5>::new(1), None);
    assert_eq!(Bounded::<2, 5>::new(6), None);
    assert_eq!([0, 2, 3, 5, 9].map(|n| Bounded::<2, 5>::clamped(n).get()), [2, 2, 3, 5, 5]);
    let five = Bounded::<2, 5>::new(5).unwrap();
    assert_eq!((five.non_zero().get(), five.as_usize()), (5, 5));
}

#[test]
fn the_defaults_are_allowed_values() {
    let settings = Settings::default();
    let described = settings.describe_toml();
    assert_eq!(from_file(&described).unwrap().describe(), settings.describe());
}

#[test]
fn values_that_are_not_allowed_are_refused_with_what_is() {
    let long = "x".repeat(101);
    for (key, bad, part) in [
        ("database", "mysql://x", "must be sqlite://FILE or postgres://"),
        ("database", "sqlite://", "must be sqlite://FILE or postgres://"),
        ("listen", "localhost:80", "must be an IP address and a port"),
        ("listen", "127.0.0.1", "must be an IP address and a port"),
        ("time_zone", "Asia/Beijing", "or UTC, not \"Asia/Beijing\""),
        ("complaint_phone", "call us", "must be a telephone number"),
        ("complaint_phone", "---", "must be a telephone number"),
        ("complaint_phone", "1+2345", "must be a telephone number"),
        ("complaint_authority", &long, "at most 100 characters"),
        ("log", "info,pingma=loud", "must be off, error"),
        ("log", "inof", "must be off, error"),
        ("log", "info,pingma", "must be off, error"),
        ("log_format", "JSON", "must be text or json"),
        ("allow_fsync_off", "yes", "must be true or false"),
        ("trusted_proxies", "10.0.0.0/8", "IP addresses"),
        ("trusted_proxies", "10.0.0.1,", "IP addresses"),
        ("metrics_token", "short", "must be 16 to 256"),
        ("key_file", "a\u{7}b", "control characters"),
        ("label_font", " a", "blanks around it"),
    ] {
        let name = Origin::Environment.spell(key);
        let text = message(from_env(&name, bad));
        assert!(text.starts_with(&format!("environment: {name} must ")) && text.contains(part), "{text}");
    }
    for key in keys().into_iter().filter(|key| key != "trusted_proxies") {
        let text = message(from_env(&Origin::Environment.spell(&key), ""));
        assert!(text.contains("must not be empty"), "{text}");
        let long = "1".repeat(5000);
        assert!(message(from_env(&Origin::Environment.spell(&key), &long)).contains("longer than 4096"));
    }
    let many = vec!["10.0.0.1"; 65].join(",");
    assert!(from_env("PINGMA_TRUSTED_PROXIES", &many).is_err());
    assert!(message(from_file("trusted_proxies = 3")).ends_with("must be a list of at most 64 IP addresses"));
}

#[test]
fn a_bad_value_is_refused_even_where_a_later_layer_overrides_it() {
    let text = message(load(Some("pool_size = 0"), &[("PINGMA_POOL_SIZE", "3")], Overrides::default()));
    assert!(text.starts_with("pingma.toml: pool_size"), "{text}");
}

#[test]
fn filters_for_the_log() {
    for good in ["off", "INFO", "0", "warn,pingma::ledger=trace", "pingma::http=debug,error"] {
        assert_eq!(from_env("PINGMA_LOG", good).unwrap().log.as_str(), good);
    }
}

#[test]
fn the_public_url_fits_the_alphanumeric_mode_of_a_qr_code() {
    for (text, read) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("HTTPS://Q.Example.CN/", "https://q.example.cn"),
        ("https://q.example.cn:443", "https://q.example.cn"),
        ("https://瓶码.cn", "https://xn--3lyw8d.cn"),
    ] {
        let url = from_env("PINGMA_PUBLIC_URL", text).unwrap().public_url;
        assert_eq!(url.as_str(), read);
        assert!(
            url.as_str()
                .to_ascii_uppercase()
                .chars()
                .all(|c| { c.is_ascii_digit() || c.is_ascii_uppercase() || " $%*+-./:".contains(c) })
        );
    }
    let long = format!("https://{}.cn", "a.".repeat(50));
    for bad in [
        "q.example.cn",
        "ftp://q.example.cn",
        "http:q.example.cn",
        "https://",
        "https://q.example.cn/path",
        "https://q.example.cn//",
        "https://q.example.cn/?",
        "https://q.example.cn/#",
        "https://user@q.example.cn",
        "https://[::1]:8080",
        "https://q_r.example.cn",
        "https://q.example.cn:99999",
        &long,
    ] {
        let text = message(from_env("PINGMA_PUBLIC_URL", bad));
        assert!(text.contains("must be http:// or https://"), "{bad}: {text}");
    }
}

#[test]
fn an_error_never_repeats_a_secret() {
    for text in [
        message(from_env("PINGMA_METRICS_TOKEN", "hush hush hush hush")),
        message(from_env("PINGMA_METRICS_TOKEN", "hush\nhushhushhushhush")),
        message(from_env("PINGMA_DATABASE", "pg://u:hush@h/d")),
        message(from_file("metrics_token = \"hushhushhushhush\nlog = \"info\"")),
        message(from_file("metrics_token = hushhushhushhush")),
        message(from_file("metrics_token = \"\"\"\nhush")),
        message(from_file("metrics_token = [\"hush\"]")),
        message(from_file("metrics_token = { hush = 1 }")),
        message(from_file("database = \"a|hush\" \"|hush\"")),
        format!("{:?}", from_file("metrics_token = \"hushhushhushhush").unwrap_err()),
    ] {
        assert!(!text.contains("hush"), "{text}");
        assert!(
            text.contains("METRICS_TOKEN") || text.contains("DATABASE") || text.contains("toml"),
            "{text}"
        );
    }
}

#[test]
fn a_syntax_error_says_where_and_why() {
    let text = message(from_file("log = \"info\"\npool_size = = 3\n"));
    assert!(text.starts_with("the settings file pingma.toml is not valid TOML: "), "{text}");
    assert!(text.contains("line 2, column"), "{text}");
    assert!(!text.contains('|') && !text.contains('\n'), "{text}");
    assert!(message(from_file("pool_size = 1\npool_size = 2")).contains("duplicate key"));
    assert_eq!(from_file("\u{feff}pool_size = 1").unwrap().pool_size.get(), 1);
}

#[test]
fn the_key_file_lies_beside_the_sqlite_file() {
    let key_file = |database: &str, named: Option<&str>| {
        let overrides = Overrides {
            database: Some(database.to_owned()),
            key_file: named.map(str::to_owned),
            ..Overrides::default()
        };
        load(None, &[], overrides).unwrap().key_file()
    };
    assert_eq!(key_file("sqlite://p.db", None).unwrap(), Path::new("p.db.keys"));
    assert_eq!(key_file("sqlite:///var/lib/p.db", None).unwrap(), Path::new("/var/lib/p.db.keys"));
    assert_eq!(key_file("sqlite://p.db", Some("k")).unwrap(), Path::new("k"));
    assert_eq!(key_file("postgres://h/d", Some("k")).unwrap(), Path::new("k"));
    for database in ["postgres://h/d", "postgresql:///d", "sqlite://:memory:", "sqlite://file:x?mode=memory"]
    {
        let error = key_file(database, None).unwrap_err();
        assert!(matches!(error, ConfigError::KeyFileUnnamed));
        assert!(error.to_string().contains("key_file"));
    }
}

#[test]
fn passwords_are_masked() {
    for (url, shown) in [
        ("postgres://db.lan:5433/pingma?sslmode=require", "postgres://db.lan:5433/pingma?sslmode=require"),
        ("postgres:///pingma?host=/run/pg&port=5433", "postgres:///pingma?host=/run/pg&port=5433"),
        ("postgresql://u:hush@db/p", "postgresql://***@db/p"),
        ("postgres://hush@db", "postgres://***@db"),
        ("postgres://u:h%75sh@db/p?connect_timeout=3", "postgres://***@db/p?connect_timeout=3"),
        (
            "postgres://db/p?user=hush&password=hush&sslmode=a",
            "postgres://db/p?user=***&password=***&sslmode=a",
        ),
        ("postgres://db/p?%70assword=hush", "postgres://db/p?***"),
        ("postgres://db/p?PASSWORD=hush&sslpassword=hush", "postgres://db/p?***&***"),
        ("postgres://db/p?password=a&hush", "postgres://db/p?password=***&***"),
        ("postgres://db/p?password=a&hush=b", "postgres://db/p?password=***&***"),
        ("postgres://a:1,[::1]:2,[::2],c/p", "postgres://a:1,[::1]:2,[::2],c/p"),
        ("postgres://u:hush/p", "postgres://***"),
        ("postgres://u:hush", "postgres://***"),
        ("postgres://u:hu?sh@db/p", "postgres://***@db/p"),
        ("postgres://u:hu@sh@db/p", "postgres://***"),
        ("postgres://u:hu/sh@db/p", "postgres://***"),
        ("postgres://u:hush/?x@db/p", "postgres://***"),
        ("postgres://u:a@db/p?password=a@hush", "postgres://***"),
        ("postgres://db/p?password=a@hush&user=u", "postgres://***"),
    ] {
        let settings = from_env("PINGMA_DATABASE", url).unwrap();
        assert_eq!(settings.describe()["database"], shown, "{url}");
        for text in [format!("{settings:?}"), settings.describe_toml(), settings.describe().to_string()] {
            assert!(!text.contains("hush") && !text.contains("h%75sh"), "{text}");
        }
    }
    let settings = from_env("PINGMA_METRICS_TOKEN", "hushhushhushhush").unwrap();
    assert_eq!(settings.describe()["metrics_token"], MASK);
    let token = settings.metrics_token.clone().unwrap();
    for text in [format!("{settings:?}"), settings.describe_toml(), format!("{token:?}")] {
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn the_description_can_be_read_back() {
    let file = "trusted_proxies = [\"10.0.0.1\", \"::ffff:10.0.0.2\"]\nlabel_font = 'C:\\a \"b\".ttf'\n\
                complaint_authority = \"市监局\"\nallow_fsync_off = true\n";
    let settings = from_file(file).unwrap();
    let text = settings.describe_toml();
    assert!(text.contains("trusted_proxies = [\"10.0.0.1\",\"10.0.0.2\"]\n"), "{text}");
    assert!(text.contains("# metrics_token is not set\n"), "{text}");
    assert_eq!(from_file(&text).unwrap().describe(), settings.describe());
}

#[test]
fn proxies_are_trusted_in_either_form_of_their_address() {
    let proxies =
        from_env("PINGMA_TRUSTED_PROXIES", "10.0.0.1, ::ffff:10.0.0.2,2001:db8::1").unwrap().trusted_proxies;
    for (peer, trusted) in [
        ("10.0.0.1", true),
        ("::ffff:10.0.0.1", true),
        ("10.0.0.2", true),
        ("2001:db8:0::1", true),
        ("10.0.0.3", false),
        ("::1", false),
    ] {
        assert_eq!(proxies.contains(peer.parse().unwrap()), trusted, "{peer}");
    }
    let none = load(
        Some("trusted_proxies = [\"10.0.0.1\"]"),
        &[("PINGMA_TRUSTED_PROXIES", "")],
        Overrides::default(),
    );
    assert_eq!(none.unwrap().trusted_proxies, TrustedProxies::default());
}

#[cfg(unix)]
#[test]
fn a_variable_of_ours_must_be_unicode_others_need_not() {
    use std::os::unix::ffi::OsStringExt as _;
    let bad = || OsString::from_vec(vec![b'/', 0xff]);
    let good =
        unicode([("PATH".into(), bad()), (bad(), bad()), ("PINGMA_LOG".into(), "info".into())].into_iter());
    assert_eq!(good.unwrap(), [("PINGMA_LOG".to_owned(), "info".to_owned())]);
    let error = unicode([("PINGMA_KEY_FILE".into(), bad())].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "environment: PINGMA_KEY_FILE must be Unicode (UTF-8)");
    assert!(environment().is_ok());
}

#[test]
fn plain_http_is_for_this_machine_and_for_a_named_proxy() {
    let with = |file: &str| from_file(file).unwrap();
    for file in ["", "listen = '127.0.0.9:80'", "listen = '[::1]:80'", "listen = '[::ffff:127.0.0.1]:80'"] {
        assert_eq!(with(file).transport().unwrap(), Transport::Plain, "{file}");
    }
    for listen in ["0.0.0.0:80", "[::]:80", "192.168.1.2:80"] {
        let file = format!("listen = '{listen}'\n");
        let refused = with(&file).transport().unwrap_err().to_string();
        for part in [listen, "tls_certificate", "tls_key", "trusted_proxies", "127.0.0.1"] {
            assert!(refused.contains(part), "{refused}");
        }
        let proxied = with(&format!("{file}trusted_proxies = ['192.168.1.1']"));
        assert_eq!(proxied.transport().unwrap(), Transport::Plain);
        let tls = with(&format!("{file}tls_certificate = 'c.pem'\ntls_key = 'k.pem'"));
        let expected = Transport::Tls { certificate: Path::new("c.pem"), key: Path::new("k.pem") };
        assert_eq!(tls.transport().unwrap(), expected);
    }
    for half in ["tls_certificate = 'c.pem'", "tls_key = 'k.pem'"] {
        assert!(with(half).transport().unwrap_err().to_string().contains("both or none"));
    }
}
