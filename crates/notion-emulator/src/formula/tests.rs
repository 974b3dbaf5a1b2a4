//! The language by examples: each function with what Notion's help page says of it, then what it leaves open, what is
//! refused, and what stops a formula that would not end.

use jiff::Timestamp;
use uuid::Uuid;

use super::*;

mod random;
mod world;

use world::{World, text};

const WORKSPACE: Uuid = Uuid::from_u128(9);

fn at(time: &str) -> Run {
    Run::new(time.parse::<Timestamp>().expect("a time"))
}

fn run(source: &str) -> Result<Value, Halt> {
    let expr = parse(source).unwrap_or_else(|mistake| panic!("{source}: {mistake:?}"));
    check(&expr, &World).unwrap_or_else(|mistake| panic!("{source}: {mistake:?}"));
    // Wednesday.
    evaluate(&expr, &World, &at("2023-08-30T17:55:21Z"))
}

/// A value as one would write it.
fn written(value: &Value) -> String {
    match value {
        Value::Empty => "empty".to_owned(),
        Value::Text(text) => format!("\"{text}\""),
        Value::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Date(date) => {
            date.end.map_or_else(|| date.start.iso(), |end| format!("{}/{}", date.start.iso(), end.iso()))
        }
        Value::Page(page) => format!("page {}", page.title),
        Value::Person(person) => format!("person {}", person.name),
        value => value.text(),
    }
}

#[track_caller]
fn agree(table: &[(&str, &str)]) {
    for (source, expected) in table {
        let found = run(source).map_or_else(|halt| format!("{halt:?}"), |value| written(&value));
        assert_eq!(found, *expected, "{source}");
    }
}

#[test]
fn operators_bind_as_written_in_the_help() {
    agree(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("2 ^ -1", "0.5"),
        (".5 + .5", "1"),
        ("2 * pi()", "6.283185307179586"),
        ("\"hello\" + \"world\"", "\"helloworld\""),
        ("\"n = \" + 4 + 2", "\"n = 42\""),
        ("123 == 123", "true"),
        ("\"Notion\" == \"Motion\"", "false"),
        ("1 === 1 and 1 !== 2", "true"),
        ("1 == \"1\"", "false"),
        ("3 > 2 and 2 >= 2 and 1 < 2 and 1 <= 1", "true"),
        ("true and false", "false"),
        ("true && false", "false"),
        ("true or false", "true"),
        ("false || false", "false"),
        ("true or false and false", "true"),
        ("not true", "false"),
        ("!true", "false"),
        ("not false and false", "false"),
        ("true ? 1 : 2", "1"),
        ("false ? 1 : false ? 2 : 3", "3"),
        ("1 > 2 ? \"a\" : \"b\" + \"c\"", "\"bc\""),
        ("1 / 0", "Infinity"),
        ("1 /* one /* */ + 2", "3"),
        ("[1, \"a\", [true]]", "[1, \"a\", [true]]"),
        ("\"a\\\"b\\\\c\\nd\"", "\"a\"b\\c\nd\""),
        ("3.format()", "\"3\""),
    ]);
}

#[test]
fn logic_functions_do_as_the_help_says() {
    agree(&[
        ("if(true, 1, 2)", "1"),
        ("if(false, 1, 2)", "2"),
        ("if(false, 1)", "empty"),
        ("prop(\"Done\") == true ? \"Complete\" : \"Incomplete\"", "\"Complete\""),
        ("prop(\"Done\").if(\"yes\", \"no\")", "\"yes\""),
        ("ifs(true, 1, true, 2, 3)", "1"),
        ("ifs(false, 1, false, 2, 3)", "3"),
        ("ifs(false, 1, true, 2)", "2"),
        ("and(true, false)", "false"),
        ("or(true, false)", "true"),
        ("not(true)", "false"),
        ("empty(0)", "true"),
        ("empty([])", "true"),
        ("empty(\"\")", "true"),
        ("empty(\"Word\")", "false"),
        ("empty(prop(\"Estimate\"))", "true"),
        ("if(false, 1, empty())", "empty"),
        ("equal(1, 1)", "true"),
        ("\"Notion\" == \"Notion\"", "true"),
        ("unequal(1, 2)", "true"),
        ("6 != 9", "true"),
        ("let(person, \"Alan\", \"Hello, \" + person + \"!\")", "\"Hello, Alan!\""),
        ("let(radius, 4, round(pi() * radius ^ 2))", "50"),
        ("lets(a, \"Hello\", b, \"world\", a + \" \" + b)", "\"Hello world\""),
        ("lets(base, 3, height, 8, base * height / 2)", "12"),
        ("let(a, 1, let(a, a + 1, a)) ", "2"),
    ]);
}

#[test]
fn text_functions_do_as_the_help_says() {
    agree(&[
        ("length(\"hello\")", "5"),
        ("length([1, 2, 3])", "3"),
        ("\"😀\".length()", "2"),
        ("substring(\"Notion\", 0, 3)", "\"Not\""),
        ("substring(\"Notion\", 3)", "\"ion\""),
        ("substring(\"Notion\", 4, 99)", "\"on\""),
        ("contains(\"Notion\", \"ot\")", "true"),
        ("contains(\"Notion\", \"OT\")", "false"),
        ("test(\"Notion\", \"Not\")", "true"),
        ("test(\"Notion\", \"\\\\d\")", "false"),
        ("test(\"4 cats\", \"\\d\")", "true"),
        ("match(\"Notion Notion\", \"Not\")", "[\"Not\", \"Not\"]"),
        ("match(\"Notion 123 Notion 456\", \"\\\\d+\")", "[\"123\", \"456\"]"),
        ("replace(\"Notion Notion\", \"N\", \"M\")", "\"Motion Notion\""),
        ("replaceAll(\"Notion Notion\", \"N\", \"M\")", "\"Motion Motion\""),
        ("replaceAll(\"Notion 123\", \"\\\\d\", \"\")", "\"Notion \""),
        (
            "replace(\"Ada Lovelace\", \"(\\w+) (\\w+)\", \"$2, $1 ($&) $$ $3\")",
            "\"Lovelace, Ada (Ada Lovelace) $ $3\"",
        ),
        ("lower(\"NOTION\")", "\"notion\""),
        ("upper(\"notion\")", "\"NOTION\""),
        ("trim(\" notion \")", "\"notion\""),
        ("repeat(\"0\", 4)", "\"0000\""),
        ("repeat(\"~=\", 3)", "\"~=~=~=\""),
        ("padStart(\"5\", 3, \"0\")", "\"005\""),
        ("padEnd(\"5\", 4, \"ab\")", "\"5aba\""),
        ("padStart(\"12345\", 3, \"0\")", "\"12345\""),
        ("link(\"Notion\", \"https://notion.so\")", "\"Notion\""),
        ("style(\"Notion\", \"b\", \"u\")", "\"Notion\""),
        ("unstyle(style(\"Text\", \"b\"))", "\"Text\""),
        ("format(1234)", "\"1234\""),
        ("format(0.1 + 0.2)", "\"0.30000000000000004\""),
        ("format(10 ^ 21)", "\"1e+21\""),
        ("format(1 / 10 ^ 7)", "\"1e-7\""),
        ("format(true)", "\"true\""),
        ("format([1, 2])", "\"1,2\""),
        ("format(now())", "\"August 30, 2023 17:55\""),
        ("format(prop(\"Estimate\"))", "\"\""),
        ("concat(\"a\", \"b\", 1)", "\"ab1\""),
        ("join([\"a\", \"b\", \"c\"], \", \")", "\"a, b, c\""),
        ("join([\"dog\", \"go\"], \"\")", "\"doggo\""),
        ("split(\"apple,pear,orange\", \",\")", "[\"apple\", \"pear\", \"orange\"]"),
        ("split(\"abc\", \"\")", "[\"a\", \"b\", \"c\"]"),
    ]);
}

#[test]
fn number_functions_do_as_the_help_says() {
    agree(&[
        ("add(5, 10)", "15"),
        ("subtract(5, 10)", "-5"),
        ("multiply(5, 10)", "50"),
        ("mod(5, 10)", "5"),
        ("pow(5, 10)", "9765625"),
        ("divide(5, 10)", "0.5"),
        ("min(4, 1, 5, 3)", "1"),
        ("max(4, 1, 5, 3)", "5"),
        ("max([2, 8], 3)", "8"),
        ("sum(1, 2, 3)", "6"),
        ("sum([1, 2, 3], 4, 5)", "15"),
        ("sum([])", "0"),
        ("median(1, 2, 4)", "2"),
        ("median([1, 2, 3], 4)", "2.5"),
        ("mean(1, 2, 3)", "2"),
        ("mean([1, 2, 3], 4, 5)", "3"),
        ("min([])", "empty"),
        ("abs(-10)", "10"),
        ("round(0.4)", "0"),
        ("round(-0.6)", "-1"),
        ("round(2.5)", "3"),
        ("round(1.2345, 2)", "1.23"),
        ("ceil(0.4)", "1"),
        ("ceil(-0.6)", "0"),
        ("floor(0.4)", "0"),
        ("floor(-0.6)", "-1"),
        ("sqrt(4)", "2"),
        ("cbrt(9)", "2.080083823051904"),
        ("exp(1)", "2.718281828459045"),
        ("ln(10)", "2.302585092994046"),
        ("log10(10)", "1"),
        ("log2(64)", "6"),
        ("sign(4)", "1"),
        ("sign(-9)", "-1"),
        ("sign(0)", "0"),
        ("pi()", "3.141592653589793"),
        ("e()", "2.718281828459045"),
        ("toNumber(\"42\")", "42"),
        ("toNumber(\" -1.5 \")", "-1.5"),
        ("toNumber(\"four\")", "empty"),
        ("toNumber(true)", "1"),
        ("toNumber(now())", "1693418100000"),
    ]);
}

#[test]
fn date_functions_do_as_the_help_says() {
    agree(&[
        ("now()", "2023-08-30T17:55:00.000+00:00"),
        ("today()", "2023-08-30"),
        ("minute(now())", "55"),
        ("hour(now())", "17"),
        ("day(now())", "3"),
        ("date(now())", "30"),
        ("week(now())", "35"),
        ("month(now())", "8"),
        ("year(now())", "2023"),
        ("dateAdd(today(), 1, \"days\")", "2023-08-31"),
        ("dateAdd(today(), 2, \"months\")", "2023-10-30"),
        ("dateAdd(parseDate(\"2026-01-31\"), 1, \"months\")", "2026-02-28"),
        ("dateAdd(today(), 1, \"quarters\")", "2023-11-30"),
        ("dateAdd(today(), 1, \"weeks\")", "2023-09-06"),
        ("dateAdd(now(), 2, \"hours\")", "2023-08-30T19:55:00.000+00:00"),
        ("dateAdd(prop(\"Dates\"), 1, \"years\")", "2027-11-02/2027-11-27"),
        ("dateSubtract(now(), 1, \"days\")", "2023-08-29T17:55:00.000+00:00"),
        ("dateSubtract(today(), 2, \"years\")", "2021-08-30"),
        ("dateBetween(now(), parseDate(\"2022-09-07\"), \"days\")", "357"),
        ("dateBetween(parseDate(\"2030-01-01\"), now(), \"years\")", "6"),
        ("dateBetween(parseDate(\"2026-03-31\"), parseDate(\"2026-01-30\"), \"months\")", "2"),
        ("dateBetween(parseDate(\"2026-01-01\"), parseDate(\"2026-01-15\"), \"weeks\")", "-2"),
        ("dateBetween(now(), today(), \"minutes\")", "1075"),
        ("dateRange(parseDate(\"2022-09-07\"), parseDate(\"2023-09-07\"))", "2022-09-07/2023-09-07"),
        (
            "format(dateRange(parseDate(\"2022-09-07\"), parseDate(\"2023-09-07\")))",
            "\"September 7, 2022 → September 7, 2023\"",
        ),
        ("dateStart(prop(\"Dates\"))", "2026-11-02"),
        ("dateEnd(prop(\"Dates\"))", "2026-11-27"),
        ("dateEnd(prop(\"Due\"))", "2026-12-01"),
        ("dateBetween(dateEnd(prop(\"Dates\")), dateStart(prop(\"Dates\")), \"days\")", "25"),
        ("timestamp(now())", "1693418100000"),
        ("fromTimestamp(1689024900000)", "2023-07-10T21:35:00.000+00:00"),
        ("formatDate(now(), \"MMMM D, Y\")", "\"August 30, 2023\""),
        ("formatDate(now(), \"MM/DD/YYYY\")", "\"08/30/2023\""),
        ("formatDate(now(), \"HH:mm A\")", "\"17:55 PM\""),
        ("formatDate(now(), \"dddd [the] Do, h:mm a\")", "\"Wednesday the 30th, 5:55 pm\""),
        ("formatDate(now(), \"ddd D MMM YY, [W]W Q DDD\")", "\"Wed 30 Aug 23, W35 3 242\""),
        ("formatDate(now(), \"LL LT\")", "\"August 30, 2023 5:55 PM\""),
        ("formatDate(parseDate(\"2026-01-01\"), \"GGGG-[W]WW w E d X\")", "\"2026-W01 1 4 4 1767225600\""),
        ("parseDate(\"2022-01-01\")", "2022-01-01"),
        ("parseDate(\"2022-01-01T00:00Z\")", "2022-01-01T00:00:00.000+00:00"),
        ("parseDate(\"2022-01-01T02:00+02:00\")", "2022-01-01T00:00:00.000+00:00"),
        ("parseDate(\"soon\")", "empty"),
        ("prop(\"Due\") > now()", "true"),
        ("prop(\"No date\") < now()", "false"),
        ("today() == parseDate(\"2023-08-30\")", "true"),
        ("year(prop(\"No date\"))", "empty"),
    ]);
}

#[test]
fn list_functions_do_as_the_help_says() {
    agree(&[
        ("at([1, 2, 3], 1)", "2"),
        ("at([1, 2, 3], 9)", "empty"),
        ("first([1, 2, 3])", "1"),
        ("last([1, 2, 3])", "3"),
        ("slice([1, 2, 3], 1, 2)", "[2]"),
        ("slice([\"a\", \"b\", \"c\"], 1)", "[\"b\", \"c\"]"),
        ("slice([1, 2, 3], -2)", "[2, 3]"),
        ("slice([1, 2, 3], 2, 1)", "[]"),
        ("concat([1, 2], [3, 4])", "[1, 2, 3, 4]"),
        ("concat([\"a\", \"b\"], [\"c\", \"d\"])", "[\"a\", \"b\", \"c\", \"d\"]"),
        ("sort([3, 1, 2])", "[1, 2, 3]"),
        ("[3, 1, 2].sort(0 - current)", "[3, 2, 1]"),
        ("sort([\"b\", \"a\"])", "[\"a\", \"b\"]"),
        ("reverse([\"green\", \"eggs\", \"ham\"])", "[\"ham\", \"eggs\", \"green\"]"),
        ("unique([1, 1, 2])", "[1, 2]"),
        ("includes([\"a\", \"b\", \"c\"], \"b\")", "true"),
        ("includes([\"a\", \"b\", \"c\"], \"d\")", "false"),
        ("find([\"a\", \"b\", \"c\"], current == \"b\")", "\"b\""),
        ("find([1, 2, 3], current > 100)", "empty"),
        ("findIndex([\"a\", \"b\", \"c\"], current == \"b\")", "1"),
        ("findIndex([1, 2, 3], current > 100)", "-1"),
        ("filter([1, 2, 3], current > 1)", "[2, 3]"),
        ("filter([\"a\", \"b\", \"c\"], current == \"a\")", "[\"a\"]"),
        ("some([1, 2, 3], current == 2)", "true"),
        ("some([\"a\", \"b\", \"c\"], current.length() > 2)", "false"),
        ("every([1, 2, 3], current > 0)", "true"),
        ("every([\"a\", \"b\", \"c\"], current == \"b\")", "false"),
        ("map([1, 2, 3], current + 1)", "[2, 3, 4]"),
        ("map([1, 2, 3], current + index)", "[1, 3, 5]"),
        ("map([[1, 2], [3]], current.map(current * 2))", "[[2, 4], [6]]"),
        ("flat([1, 2, 3])", "[1, 2, 3]"),
        ("flat([[1, 2], [3, 4]])", "[1, 2, 3, 4]"),
        ("count([1, 2, 3])", "3"),
        ("[1, 2, 3].contains(2)", "true"),
    ]);
}

#[test]
fn properties_people_and_related_pages_are_read() {
    agree(&[
        ("prop(\"Name\").length()", "6"),
        ("prop(\"Price\") / 2", "6"),
        (
            "{{notion:block_property:a%3Ab:00000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-000000000009}} / 2",
            "6",
        ),
        ("prop(\"Estimate\")", "empty"),
        ("prop(\"Estimate\") + 1", "1"),
        ("prop(\"Tags\").includes(\"Data\")", "true"),
        ("prop(\"Tags\").map(current.upper()).join(\"/\")", "\"WEB/DATA\""),
        ("prop(\"Created by\").name()", "\"Ada\""),
        ("name(prop(\"Created by\"))", "\"Ada\""),
        ("email(prop(\"Created by\"))", "\"ada@northwind.example\""),
        ("prop(\"Owners\").map(current.email())", "[\"ada@northwind.example\", empty]"),
        ("prop(\"Owners\").at(0).name()", "\"Ada\""),
        ("\"by \" + prop(\"Created by\")", "\"by Ada\""),
        ("prop(\"Tasks\").length()", "2"),
        ("prop(\"Tasks\").first()", "page Draw"),
        ("prop(\"Tasks\").map(current.prop(\"Hours\")).sum()", "8"),
        ("prop(\"Tasks\").filter(current.prop(\"Hours\") > 3).format()", "\"Build\""),
        ("prop(\"Tasks\").sort(0 - current.prop(\"Hours\")).first().prop(\"Hours\")", "5"),
        ("prop(\"Tasks\").at(7).prop(\"Hours\")", "empty"),
        ("id()", "\"00000000000000000000000000000001\""),
        ("prop(\"Tasks\").map(current.id()).last()", "\"00000000000000000000000000000003\""),
    ]);
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let table = [
        ("", "the formula ends too early"),
        ("1 +", "the formula ends too early"),
        ("1 2", "`2` is too much"),
        ("(1", "`)` is missing"),
        ("[1, 2", "`,` is missing"),
        ("true ? 1", "`:` is missing"),
        ("\"open", "a text does not end"),
        ("1 /* open", "a comment does not end"),
        ("1 = 1", "`=` means nothing here"),
        ("* 2", "`*` is out of place"),
        ("price * 2", "`price` is not defined"),
        ("[1].map(current).length() + current", "`current` is not defined"),
        ("sume(1)", "there is no sume()"),
        ("round()", "round() does not take 0 arguments"),
        ("substring(\"a\")", "substring() does not take 1 arguments"),
        ("if(true)", "if() does not take 1 arguments"),
        ("let(1, 2, 3)", "let() begins with a name and its value"),
        ("map([1], 2, 3)", "map() takes a list and one expression"),
        ("prop(Price)", "prop() takes a property's name in quotes"),
        ("prop(\"Nope\")", "there is no property \"Nope\""),
        ("prop(\"Tasks\").first().prop(\"Price\")", "there is no property \"Price\""),
        ("prop(\"Name\").prop(\"Price\")", "only pages have properties"),
        ("{{notion:block_property}}", "a reference is not well formed"),
        ("\"a\" * 2", "Multiply does not take Text and Number"),
        ("prop(\"Name\") - 1", "Subtract does not take Text and Number"),
        ("prop(\"Due\") + 1", "Add does not take Date and Number"),
        ("prop(\"Due\") > 3", "Greater does not take Date and Number"),
        ("-\"a\"", "Text is no number"),
        ("year(3)", "year() does not take Number as argument 1"),
        ("sqrt(\"4\")", "sqrt() does not take Text as argument 1"),
        ("prop(\"Owners\").name()", "name() does not take List(Person) as argument 1"),
        ("dateAdd(now(), 1, \"fortnights\")", "`fortnights` is no unit of time"),
    ];
    for (source, reason) in table {
        let mistake = match parse(source) {
            Err(Mistake::Parse(why)) => why,
            Err(other) => panic!("{source}: {other:?}"),
            Ok(expr) => match check(&expr, &World) {
                Err(Mistake::Type(why)) => why,
                other => panic!("{source}: {other:?}"),
            },
        };
        assert_eq!(mistake, reason, "{source}");
    }
}

#[test]
fn patterns_that_look_around_are_not_tried() {
    let expr = parse("test(\"ab\", \"a(?=b)\")").expect("it parses");
    assert!(matches!(check(&expr, &World), Err(Mistake::NotHere(_))));
    assert_eq!(
        run("test(\"ab\", \"a(?\" + \"=b)\")"),
        Err(Halt),
        "a pattern that is put together shows only later"
    );
}

#[test]
fn the_type_of_a_formula_is_known_without_a_row() {
    let table = [
        ("prop(\"Estimate\")", Type::Number),
        ("if(prop(\"Done\"), prop(\"Due\"), empty())", Type::Date),
        ("if(prop(\"Done\"), now(), \"\")", Type::Mixed),
        ("ifs(true, 1, false, 2)", Type::Number),
        ("prop(\"Tags\").map(current.length())", Type::list(Type::Number)),
        ("prop(\"Tasks\").first().prop(\"Hours\")", Type::Number),
        ("let(x, prop(\"Tags\"), x.first())", Type::Text),
        ("prop(\"Tags\").some(current == \"Web\")", Type::Boolean),
        ("[1, \"a\"].first()", Type::Mixed),
        ("[[1], [2]].flat()", Type::list(Type::Number)),
        ("empty()", Type::Empty),
        ("prop(\"Price\") + \"\"", Type::Text),
    ];
    for (source, expected) in table {
        let checked = check(&parse(source).expect("it parses"), &World).expect("it fits");
        assert_eq!(checked.kind, expected, "{source}");
    }
}

#[test]
fn named_properties_become_references_that_read_the_same() {
    let source = "prop( \"Price\" ) + /* all */ prop(\"Tasks\").map(current.prop(\"Hours\")).sum()";
    let checked = check(&parse(source).expect("it parses"), &World).expect("it fits");
    let stored = rewrite(source, &checked.references, WORKSPACE);
    assert_eq!(
        stored,
        "{{notion:block_property:a%3Ab:00000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-000000000009}} \
         + /* all */ {{notion:block_property:task:00000000-0000-0000-0000-000000000000:\
         00000000-0000-0000-0000-000000000009}}.map(current.{{notion:block_property:h:\
         00000000-0000-0000-0000-000000000007:00000000-0000-0000-0000-000000000009}}).sum()"
    );
    assert_eq!(run(&stored), Ok(Value::Number(20.0)));
    let again = check(&parse(&stored).expect("it parses"), &World).expect("it fits");
    assert_eq!(rewrite(&stored, &again.references, WORKSPACE), stored);
}

#[test]
fn the_ends_of_the_calendar_are_dates_like_others() {
    let last = "parseDate(\"9999-12-31\")";
    assert_eq!(run(&format!("{last} > parseDate(\"9999-12-30\")")), Ok(Value::Boolean(true)));
    assert_eq!(run(&format!("timestamp({last})")), Ok(Value::Number(253_402_214_400_000.0)));
    assert_eq!(run(&format!("formatDate({last}, \"X\")")), Ok(text("253402214400")));
    let days = format!("dateBetween({last}, parseDate(\"9999-12-01\"), \"days\")");
    assert_eq!(run(&days), Ok(Value::Number(30.0)));
}

#[test]
fn no_formula_runs_away() {
    let hundred = "[1,2,3,4,5,6,7,8,9,10].map(repeat(\"x\", 10).split(\"\")).flat()";
    for source in [
        "repeat(\"x\", 1000000000)",
        "padStart(\"x\", 1000000000, \"y\")",
        "repeat(\"x\", 90000).replaceAll(\"\", repeat(\"y\", 90000))",
        "repeat(\"A\", 20000).replaceAll(\".*[^A-Z]|[A-Z]\", \"\")",
        "repeat(\"A\", 20000).match(\".*[^A-Z]|[A-Z]\")",
        "repeat(\"A\", 20000).replace(\".*\", repeat(\"$&\", 20000))",
        "repeat(\"A\", 1000).replaceAll(\"(B?)A\", repeat(\"$1\", 40000))",
        "repeat(\"x\", 90000).split(\"\").join(repeat(\"y\", 90000))",
        &format!("let(l, {hundred}, l.map(l.map(l.map(1))))"),
        "prop(\"Loop\")",
        "test(\"x\", repeat(\"(a{1,500}){1,500}\", 10))",
    ] {
        assert_eq!(run(source), Err(Halt), "{source}");
    }
    let words = "repeat(\"word \", 1000).replaceAll(\" \", \"\").length()";
    assert_eq!(run(words), Ok(Value::Number(4_000.0)), "what people do is not stopped");
    assert_eq!(run("test(repeat(\"a\", 50000), \"(a+)+$\")"), Ok(Value::Boolean(true)), "no backtracking");
}

#[test]
fn no_nesting_and_no_length_overflows_the_stack() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
    for source in [
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("abs(", ")"),
        deep("2^", ""),
        deep("true?1:", ""),
    ] {
        let Err(Mistake::Parse(why)) = parse(&source) else { panic!("{}…", &source[..20]) };
        assert!(why.contains("64 levels"), "{why}");
    }
    let mut methods = "1".to_owned();
    methods.push_str(&".abs()".repeat(5_000));
    assert!(matches!(parse(&methods), Err(Mistake::Parse(why)) if why.contains("64 levels")));
    assert!(matches!(parse(&"1".repeat(50_001)), Err(Mistake::Parse(why)) if why.contains("longer")));
    // What is allowed also runs.
    assert_eq!(run(&format!("{}1{}", "abs(".repeat(62), ")".repeat(62))), Ok(Value::Number(1.0)));
    assert_eq!(run(&format!("1{}", " + 1".repeat(5_000))), Ok(Value::Number(5_001.0)));
}
