//! Every kind of change, really run on the sample with data that makes it interesting: the lane, what is asked, and where and
//! how it ends. The table of the README is held against what was seen here.
//!
//! All kinds of one test live in one repo, each on a branch of its own, so that the base's tree and its tests are looked at once.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use xtask::process::Run;

use crate::sample::{Content, Ran, Sample, project};

/// One kind of change.
struct Kind {
    name: &'static str,
    /// What `start` is told; nothing: inferred from the schema files.
    flags: &'static [&'static str],
    /// Replacements in the schema files: file, from, to.
    edits: &'static [(&'static str, &'static str, &'static str)],
    lane: &'static str,
    /// The questions that a person answers, in order: `impact 2`, `accept`.
    asked: &'static [&'static str],
    end: End,
}

/// Where it comes to.
enum End {
    /// `rehearse` passes.
    Rehearsed,
    /// `rehearse` asks what to do about the data, with these words in its question and its error.
    Data(&'static [&'static str]),
    /// A step before refuses with these words.
    Refused(&'static [&'static str]),
    /// `rehearse` passes; in the long test everything to the report, and the rollback takes it back.
    Whole,
    /// Everything to the report passes.
    Applied,
}

/// What was seen.
struct Seen {
    name: &'static str,
    lane: String,
    asked: Vec<String>,
    verdict: String,
    end: &'static str,
    seconds: f64,
}

const CHECK: &str = "check('sessions_duration_minutes_check', sql`${table.durationMinutes} > 0`),";

/// Nothing of these stands in the data's way.
const SOUND: &[Kind] = &[
    Kind {
        name: "nullable column",
        flags: &[],
        edits: &[("users.ts", "name: text('name')", "phone: text('phone'),\n  name: text('name')")],
        lane: "additive",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "column with a constant default",
        flags: &[],
        edits: &[(
            "sessions.ts",
            "notes: text('notes')",
            "room: text('room').notNull().default('main'),\n    notes: text('notes')",
        )],
        lane: "guarded",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "column with a volatile default",
        flags: &[],
        edits: &[(
            "workouts.ts",
            "title: text('title')",
            "share: uuid('share').defaultRandom(),\n    title: text('title')",
        )],
        lane: "guarded",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "column that refers to another table",
        flags: &[],
        edits: &[(
            "invites.ts",
            "email: text('email').notNull()",
            "invitedId: uuid('invited_id').references(() => users.id),\n    email: text('email').notNull()",
        )],
        lane: "guarded",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "new enum with a column of it, new table with a key to it",
        flags: &[],
        edits: &[
            (
                "users.ts",
                "export const users =",
                "export const plan = pgEnum('plan', ['free', 'paid']);\nexport const teams = pgTable('teams', {\n  id: uuid('id').primaryKey().defaultRandom(),\n  plan: plan('plan').notNull(),\n});\n\nexport const users =",
            ),
            (
                "users.ts",
                "name: text('name')",
                "plan: plan('plan'),\n  teamId: uuid('team_id').references(() => teams.id),\n  name: text('name')",
            ),
        ],
        lane: "guarded",
        asked: &["accept"],
        end: End::Whole,
    },
    Kind {
        name: "index",
        flags: &["--index", "workouts.title"],
        edits: &[(
            "workouts.ts",
            "[index('workouts_trainer_id_idx')",
            "[index().on(table.title), index('workouts_trainer_id_idx')",
        )],
        lane: "additive",
        asked: &[],
        end: End::Applied,
    },
    Kind {
        name: "new table",
        flags: &[],
        edits: &[(
            "users.ts",
            "export type User =",
            "export const goals = pgTable('goals', {\n  id: uuid('id').primaryKey().defaultRandom(),\n  userId: uuid('user_id').notNull().references(() => users.id),\n  name: text('name').notNull().unique(),\n});\n\nexport type User =",
        )],
        lane: "additive",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "enum value added",
        flags: &[],
        // A view reads the column.
        edits: &[("sessions.ts", "'cancelled']", "'cancelled', 'missed']")],
        lane: "additive",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "check added",
        flags: &[],
        edits: &[(
            "sessions.ts",
            CHECK,
            "check('sessions_duration_minutes_check', sql`${table.durationMinutes} > 0`),\n    check('short_enough', sql`${table.durationMinutes} < 600`),",
        )],
        lane: "guarded",
        asked: &[],
        end: End::Whole,
    },
    Kind {
        name: "column rename",
        flags: &["--rename", "users.name=users.full_name"],
        edits: &[("users.ts", "name: text('name')", "name: text('full_name')")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Rehearsed,
    },
    Kind {
        name: "column delete",
        flags: &[],
        edits: &[("exercises.ts", "  equipment: text('equipment'),\n", "")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Rehearsed,
    },
    Kind {
        name: "type change: integer → bigint",
        flags: &["--retype", "sessions.duration_minutes=bigint"],
        edits: &[
            ("sessions.ts", "integer('duration_minutes')", "bigint('duration_minutes', { mode: 'number' })"),
            ("sessions.ts", "check, index, integer,", "bigint, check, index,"),
        ],
        lane: "breaking",
        asked: &["impact 2"],
        end: End::Whole,
    },
    Kind {
        name: "type change: text → varchar(200)",
        flags: &["--retype", "users.name=varchar(200)"],
        edits: &[
            ("users.ts", "name: text('name')", "name: varchar('name', { length: 200 })"),
            ("users.ts", "uuid }", "uuid, varchar }"),
        ],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Whole,
    },
    Kind {
        name: "foreign key's action",
        flags: &[],
        edits: &[("workouts.ts", "onDelete: 'cascade'", "onDelete: 'restrict'")],
        // A test of the base deletes a trainer with workouts.
        lane: "breaking",
        asked: &["impact 2"],
        end: End::Rehearsed,
    },
    Kind {
        name: "table rename",
        flags: &["--rename-table", "invites=invitations"],
        edits: &[
            ("invites.ts", "  'invites',", "  'invitations',"),
            ("../../../api/src/procedures/auth/auth.ts", "from invites", "from invitations"),
            ("../../tests/invites.test.ts", "invites_token_unique", "invitations_token_unique"),
        ],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Whole,
    },
    Kind {
        name: "table delete",
        flags: &[],
        edits: &[("index.ts", "export * from './invites';\n", "")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Rehearsed,
    },
    Kind {
        name: "view changed",
        flags: &[],
        edits: &[("views.ts", "'completed'", "'planned'")],
        lane: "breaking",
        asked: &["impact 2"],
        end: End::Rehearsed,
    },
];

/// Rows of the sample stand in the way of these.
const UNSOUND: &[Kind] = &[
    Kind {
        name: "type change: text → integer",
        flags: &["--retype", "workout_exercises.reps=integer"],
        edits: &[("workout-exercises.ts", "reps: text('reps')", "reps: integer('reps')")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["cannot be cast automatically", "42804"]),
    },
    Kind {
        name: "type change: text → varchar(8)",
        flags: &[],
        edits: &[
            ("workouts.ts", "title: text('title')", "title: varchar('title', { length: 8 })"),
            ("workouts.ts", "uuid }", "uuid, varchar }"),
        ],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["value too long", "22001"]),
    },
    Kind {
        name: "not null added",
        flags: &["--not-null", "workouts.description"],
        edits: &[("workouts.ts", "text('description')", "text('description').notNull()")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["contains null values", "23502"]),
    },
    Kind {
        name: "column not null without a default",
        flags: &[],
        edits: &[("users.ts", "name: text('name')", "nick: text('nick').notNull(),\n  name: text('name')")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["contains null values", "23502"]),
    },
    Kind {
        name: "unique added",
        flags: &["--unique", "workouts.title"],
        edits: &[("workouts.ts", "text('title').notNull()", "text('title').notNull().unique()")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["could not create unique index", "23505"]),
    },
    Kind {
        name: "foreign key added",
        flags: &["--foreign-key", "invites.email=users.email"],
        edits: &[(
            "invites.ts",
            "email: text('email').notNull()",
            "email: text('email').notNull().references(() => users.email)",
        )],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["violates foreign key constraint", "23503"]),
    },
    Kind {
        name: "enum value removed",
        flags: &["--drop-value", "muscle_group=core"],
        edits: &[("exercises.ts", ", 'core'", "")],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["invalid input value for enum", "22P02"]),
    },
    Kind {
        name: "enum value renamed",
        flags: &["--rename-value", "muscle_group.core=muscle_group.trunk"],
        edits: &[("exercises.ts", "'core'", "'trunk'")],
        lane: "breaking",
        asked: &["impact 2"],
        end: End::Refused(&[
            "the SQL does not do it: rename value",
            "ALTER TYPE \"public\".\"muscle_group\" RENAME VALUE 'core' TO 'trunk'",
        ]),
    },
    Kind {
        name: "table delete with dependants",
        flags: &["--drop-table", "exercises", "--drop-enum", "muscle_group"],
        edits: &[
            ("workout-exercises.ts", "import { exercises } from './exercises';\n", ""),
            ("workout-exercises.ts", "\n      .references(() => exercises.id, { onDelete: 'restrict' })", ""),
            ("index.ts", "export * from './exercises';\n", ""),
        ],
        lane: "breaking",
        asked: &["impact 2", "accept"],
        end: End::Data(&["does not exist", "42704"]),
    },
    Kind {
        name: "several breaking at once",
        flags: &[],
        edits: &[
            ("exercises.ts", "  equipment: text('equipment'),\n", ""),
            ("sessions.ts", "    notes: text('notes'),\n", ""),
        ],
        lane: "breaking",
        asked: &[],
        end: End::Refused(&[
            "2 breaking operations in one migration",
            "1. drop column exercises.equipment",
            "2. drop column sessions.notes",
            "split them",
        ]),
    },
];

#[test]
fn kinds_that_the_data_allows_are_rehearsed_in_their_lane_with_what_is_asked() {
    tell(&play(SOUND, false));
}

#[test]
fn kinds_that_rows_stand_in_the_way_of_end_in_a_question_that_names_them() {
    tell(&play(UNSOUND, false));
}

#[test]
#[ignore = "several minutes: cargo xtask test --full"]
fn kinds_that_the_data_allows_are_carried_to_the_report_and_taken_back() {
    tell(&play(SOUND, true));
}

#[test]
fn a_breaking_change_can_be_reconsidered_and_an_option_that_is_not_there_yet_opens_nothing() {
    let sample = Sample::new();
    let ran = sample.db_change(&["start", "--drop-column", "exercises.equipment"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    sample.db_change(&["attest", "read-docs", "--by", "Ada", "--note", "done"]);
    assert_eq!(sample.db_change(&[]).json()["next"]["step"], "impact");
    sample.db_change(&["answer", "impact", "1", "--reason", "old code must go on"]);
    let ran = sample.db_change(&[]);
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("not built yet"), "{}", ran.stderr);
    sample.db_change(&["answer", "impact", "3", "--reason", "nobody needs it"]);
    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("the analysis is kept"), "{}", ran.stderr);
    assert_eq!(sample.changed(), [] as [&str; 0]);
}

#[test]
fn a_migration_that_rows_stop_is_mended_by_hand_and_goes_on() {
    let sample = Sample::new();
    sample.edit("packages/db/src/schema/workouts.ts", "text('description')", "text('description').notNull()");
    assert_eq!(
        sample
            .db_change(&["start", "--title", "Describe", "--not-null", "workouts.description", "--to", "declare"])
            .code,
        3
    );
    let (ran, _) = drive(&sample, "rehearse");
    let question = ran.json()["next"]["question"].as_str().unwrap().to_owned();
    assert!(question.contains("600 of 2,400 rows of `workouts`"), "{question}");
    assert_eq!(sample.db_change(&["answer", "rehearse", "1", "--reason", "they get an empty text"]).code, 0);
    let file = "packages/db/drizzle/0007_describe.sql";
    let made = sample.read(file);
    let repair =
        "UPDATE \"workouts\" SET \"description\" = '' WHERE \"description\" IS NULL;--> statement-breakpoint\n";
    sample.write(file, &format!("{repair}{made}"));
    let (ran, asked) = drive(&sample, "rehearse");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(asked, ["accept"], "the statement that nobody declared is accepted by name");
    // Another table's rows are not what the change is about.
    sample.write(
        file,
        &format!("UPDATE \"users\" SET \"name\" = upper(\"name\");--> statement-breakpoint\n{repair}{made}"),
    );
    let (ran, _) = drive(&sample, "rehearse");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("column users.name has other values"), "{}", ran.stderr);
}

/// The table of the README, but for its seconds.
#[test]
fn the_readme_tells_the_lane_and_the_questions_of_every_kind() {
    let readme = fs::read_to_string(project().join("README.md")).unwrap();
    for kind in SOUND.iter().chain(UNSOUND) {
        let mut questions: Vec<&str> =
            kind.asked.iter().map(|asked| if *asked == "accept" { "findings" } else { "how to go on" }).collect();
        let end = match kind.end {
            End::Data(_) => {
                questions.push("what to do about the rows");
                "stopped by rows of the sample"
            }
            End::Refused(_) => "refused",
            _ => "rehearsed",
        };
        let questions = if questions.is_empty() { "none".to_owned() } else { questions.join(", ") };
        let row = format!("| {} | {} | {questions} | {end} |", kind.name, kind.lane);
        assert!(readme.contains(&row), "the README has no row: {row}");
    }
}

fn play(kinds: &[Kind], to_the_end: bool) -> Vec<Seen> {
    let sample = Sample::new();
    let mut failed = Vec::new();
    let seen: Vec<Option<Seen>> = kinds
        .iter()
        .filter(|kind| !to_the_end || matches!(kind.end, End::Whole))
        .map(|kind| {
            let seen = catch_unwind(AssertUnwindSafe(|| one(&sample, kind, to_the_end)));
            if seen.is_err() {
                // The next kind may be sound; the test fails at its end.
                let _ = Ran::of(&sample.command(&["db-change", "abort", "--reason", "the next kind"]));
                failed.push(kind.name);
            }
            seen.ok()
        })
        .collect();
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
    seen.into_iter().flatten().collect()
}

fn one(sample: &Sample, kind: &Kind, to_the_end: bool) -> Seen {
    eprintln!("\n==== {}", kind.name);
    let began = Instant::now();
    sample.git(&[
        "checkout",
        "--quiet",
        "--force",
        "-B",
        &kind.name.replace([' ', ':', '→', '\'', '(', ')'], "-"),
        "main",
    ]);
    sample.git(&["clean", "--quiet", "--force", "-d", "packages"]);
    for (file, from, to) in kind.edits {
        sample.edit(&format!("packages/db/src/schema/{file}"), from, to);
    }
    if !kind.flags.is_empty() {
        let ran = sample.db_change(&[&["start", "--to", "declare"], kind.flags].concat());
        assert!(ran.code == 0 || ran.code == 3, "{}: {}", kind.name, ran.stderr);
    }
    let whole = matches!(kind.end, End::Applied) || to_the_end && matches!(kind.end, End::Whole);
    let to = if whole { "report" } else { "rehearse" };
    let before = whole.then(|| sample.content());
    let (ran, asked) = drive(sample, to);
    let status = sample.status();
    let lane = status["lane"].as_str().unwrap().to_owned();
    let end = match &kind.end {
        End::Rehearsed | End::Whole | End::Applied => {
            assert_eq!(ran.code, 0, "{}: {}", kind.name, ran.stderr);
            tried(sample, kind.name);
            if let Some(before) = before {
                take_back(sample, &before);
            }
            if whole { "applied" } else { "rehearsed" }
        }
        End::Data(words) => {
            assert_eq!(ran.code, 3, "{}: {}", kind.name, ran.stderr);
            let next = &ran.json()["next"];
            assert_eq!(next["step"], "rehearse", "{}: {next}", kind.name);
            let question = next["question"].as_str().unwrap();
            assert!(question.starts_with("The migration fails with: "), "{}: {question}", kind.name);
            for word in *words {
                assert!(ran.stderr.contains(word), "{}: `{word}` is not in: {}", kind.name, ran.stderr);
            }
            "stopped by data"
        }
        End::Refused(words) => {
            assert_eq!(ran.code, 1, "{}: {}", kind.name, ran.stderr);
            for word in *words {
                assert!(ran.stderr.contains(word), "{}: `{word}` is not in: {}", kind.name, ran.stderr);
            }
            "refused"
        }
    };
    assert_eq!(lane, kind.lane, "{}", kind.name);
    assert_eq!(asked, kind.asked, "{}", kind.name);
    let verdict = verdict(sample, lane == "breaking");
    let seconds = began.elapsed().as_secs_f64();
    sample.db_change(&["abort", "--reason", "the next kind"]);
    Seen { name: kind.name, lane, asked, verdict, end, seconds }
}

/// Runs the rollback as a person would, after which the development database is as it was.
fn take_back(sample: &Sample, before: &Content) {
    let folder = sample.path("packages/db/drizzle");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file =
        files.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("rollback_")).unwrap();
    let mut psql = Run::new(sample.shared.postgres.tool("psql"), sample.root()).args([
        "-X",
        "-q",
        &sample.shared.server.url(&sample.database),
    ]);
    psql.stdin = Some(fs::read(file).unwrap());
    let ran = Ran::of(&psql);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
}

/// Goes on until nothing waits for a person any more, or `rehearse` asks about the data.
fn drive(sample: &Sample, to: &str) -> (Ran, Vec<String>) {
    let mut asked = Vec::new();
    for _ in 0..14 {
        let ran = sample.db_change(&["--to", to]);
        if ran.code != 3 {
            return (ran, asked);
        }
        let next = ran.json()["next"].clone();
        let at = next["step"].as_str().unwrap().to_owned();
        let word: Vec<&str> = match next["kind"].as_str().unwrap() {
            // Once per person and text of the conventions, whatever the change.
            "attestation" => vec!["attest", &at, "--by", "Ada", "--note", "done"],
            "decision" if next["findings"].as_array().is_some_and(|found| !found.is_empty()) => {
                asked.push("accept".to_owned());
                let found = next["findings"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                ["accept"].into_iter().chain(found).chain(["--reason", "to see"]).collect()
            }
            "decision" if at == "rehearse" => return (ran, asked),
            // Asked after the rehearsal, where production's rows make it take long: a window is accepted.
            "decision" if at == "measure" => vec!["answer", &at, "3", "--reason", "in a window"],
            // What was inferred is confirmed once; what was declared is not.
            "decision" if at == "declare" => vec!["answer", &at, "1", "--reason", "as meant"],
            "decision" => {
                asked.push(format!("{at} 2"));
                vec!["answer", &at, "2", "--reason", "to see"]
            }
            "edit" => continue,
            kind => panic!("no word for {at} ({kind})"),
        };
        assert_eq!(sample.db_change(&word).code, 0);
    }
    panic!("`{to}` waits for ever");
}

/// Every statement was tried, and nothing worse was seen than the review had said.
fn tried(sample: &Sample, kind: &str) {
    let ran = sample.db_change(&["why", "rehearse", "--json"]);
    let why: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let trial = why["info"]["trial"].as_array().unwrap();
    assert!(!trial.is_empty() && trial.iter().all(|one| one["wal_bytes"].as_i64().is_some()), "{kind}: {trial:?}");
    for line in why["proven"]["contradictions"].as_array().unwrap() {
        assert!(line.as_str().unwrap().starts_with("note trial "), "{kind}: {line}");
    }
}

/// What `impact` said: the items of the checklist that are not `no`.
fn verdict(sample: &Sample, breaking: bool) -> String {
    let ran = sample.db_change(&["why", "impact", "--json"]);
    let proven = serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap_or_default();
    let found = proven["proven"]["breaking"].as_bool();
    assert!(found.is_none_or(|found| found == breaking), "the report would say the opposite of the lane: {proven}");
    let checks = proven["proven"]["checks"].as_object().cloned().unwrap_or_default();
    let said = checks.iter().filter_map(|(name, text)| {
        let verdict = text.as_str()?.split(": ").next()?;
        (verdict != "no").then(|| format!("{name}: {verdict}"))
    });
    said.collect::<Vec<_>>().join(", ")
}

fn tell(seen: &[Seen]) {
    for one in seen {
        eprintln!(
            "| {} | {} | {} | {} | {} | {:.0} |",
            one.name,
            one.lane,
            one.verdict,
            one.asked.join(", "),
            one.end,
            one.seconds
        );
    }
}
