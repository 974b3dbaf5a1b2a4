"""`ultimate-notion`, unmodified, against the emulator. It builds objects over Notion's API and checks every answer: blocks
that it appended must come back, relations must name their other side, what it wrote must be what it reads.
"""

import io
import logging
import os
import tempfile
import unittest
from datetime import date
from unittest import mock

import ultimate_notion as uno
from ultimate_notion.errors import SchemaError, UnknownPageError, UnknownUserError

from emulator import Emulator


class Team(uno.OptionNS):
    land = uno.Option("Land", color=uno.Color.GREEN)
    sea = uno.Option("Sea", color=uno.Color.BLUE)


class UltimateNotion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator()
        cls.addClassCleanup(cls.emulator.stop)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        settings = {
            "NOTION_TOKEN": cls.emulator.facts["internal_token"],
            "ULTIMATE_NOTION_CONFIG": os.path.join(folder, "config.toml"),
        }
        cls.enterClassContext(mock.patch.dict(os.environ, settings))
        # Refusals that a test asks for need no line of log each.
        logging.disable(logging.WARNING)
        cls.addClassCleanup(logging.disable, logging.NOTSET)
        cls.notion = cls.enterClassContext(uno.Session(base_url=cls.emulator.facts["url"]))

    def setUp(self):
        self.forget()
        self.root = self.notion.get_page(self.emulator.facts["root_page_id"])

    def forget(self):
        """Whatever is looked at next comes from the emulator."""
        self.notion.cache.clear()
        self.notion._own_bot_id = None

    def page(self, title, *blocks):
        return self.notion.create_page(parent=self.root, title=title, blocks=list(blocks))

    def again(self, page):
        self.forget()
        return self.notion.get_page(page.id)

    def test_a_page_has_a_title_an_icon_a_cover_and_a_place(self):
        page = self.page("Plans")
        cover = "https://www.example.com/cover.png"
        page.icon, page.cover = "🐍", uno.url(cover)
        page.title = "Plans of the year"
        below = self.notion.create_page(parent=page, title="May")
        page = self.again(page)
        self.assertEqual((page.title, page.icon, page.cover.url), ("Plans of the year", "🐍", cover))
        self.assertEqual(page.subpages, [below])
        self.assertEqual([above.title for above in below.ancestors], [self.root.title, "Plans of the year"])
        page.icon = uno.url("https://www.notion.so/icons/snake_purple.svg")
        self.assertEqual((self.again(page).icon.name, page.icon.color), ("snake", "purple"))
        page.delete()
        self.assertTrue(self.again(page).is_deleted)
        page.restore()
        self.assertFalse(self.again(page).is_deleted)
        page.is_locked = True
        self.assertTrue(self.again(page).is_locked)
        self.assertEqual(self.notion.search_page("Plans of the year").item(), page)
        with self.assertRaises(UnknownPageError):
            self.notion.get_page("745e79dd-3e43-40de-9d51-39357c1c428f")

    def test_blocks_come_back_in_their_order_wherever_they_are_put(self):
        first, last = uno.Heading1("First"), uno.Paragraph("Last", color=uno.Color.RED)
        page = self.page("Order", first, last)
        between = [uno.BulletedItem(f"Item {number}") for number in range(120)]
        page.append(between, after=first)
        self.assertEqual(page.children, (first, *between, last))
        page = self.again(page)
        self.assertEqual(page.children, (first, *between, last), "more than a request takes, put between two")
        page.children[60].replace(uno.Quote("Instead"))
        page.children[1].insert_after([uno.Divider(), uno.Code("x = 1", language=uno.CodeLang.PYTHON)])
        page.children[0].delete()
        kinds = [type(block).__name__ for block in self.again(page).children]
        self.assertEqual((kinds[0], kinds[1], kinds[2], kinds.count("Quote")), ("BulletedItem", "Divider", "Code", 1))

    def test_nested_blocks_are_made_at_once_and_changed_later(self):
        toggle, columns = uno.Heading2("Toggle", toggleable=True), uno.Columns((1, 3))
        toggle.append(uno.Paragraph("inside"))
        table = uno.Table(2, 2, header_row=True)
        table[0] = ("Name", "Sum")
        page = self.page("Nested", toggle, columns, table, uno.Tabs(["One", "Two"]))
        columns[0].append(uno.Paragraph("left"))
        columns.add_column(index=1)
        columns.width_ratios = (1, 6, 1)
        table[1] = ("Tea", "3")
        table.append_row(("Cake", "4"))
        page.children[3].add_tab("Three", icon="🚀")
        page.children[3][0].append(uno.ToDoItem("Do it", checked=True))
        original = uno.SyncedBlock(uno.Paragraph("twice"))
        page.append(original)
        page.append(original.create_synced())
        markdown = self.again(page).to_markdown()
        for piece in ("left", "| Cake", "tab: 🚀 Three", "- [x] Do it"):
            self.assertIn(piece, markdown)
        self.assertEqual(markdown.count("twice"), 2)
        heading, columns = self.notion.get_page(page.id).children[:2]
        self.assertEqual([child.rich_text for child in heading.children], ["inside"])
        self.assertEqual(columns.width_ratios, (0.125, 0.75, 0.125))

    def test_texts_keep_their_mentions_and_marks(self):
        person = next(user for user in self.notion.all_users() if user.is_person)
        asked = uno.text("Ask ") + uno.mention(person) + uno.text(" of ", bold=True)
        text = asked + uno.mention(self.root) + uno.math("E=mc^2")
        page = self.page("Mentions", uno.Paragraph(text), uno.Callout("Mind", icon=uno.Emoji("🚀")))
        shown = self.again(page).children[0].to_markdown()
        self.assertIn(f"[@{person.name}]()", shown)
        self.assertIn(f"↗[{self.root.title}]", shown)
        self.assertIn("$E=mc^2$", shown)
        self.assertEqual(self.notion.get_page(page.id).children[1].icon, "🚀")

    def test_files_are_uploaded_attached_and_renamed(self):
        uploaded = self.notion.upload(io.BytesIO(b"hello"), file_name="note.txt", mime_type="text/plain")
        linked = uno.url("https://www.example.com/robots.txt")
        page = self.page("Files", uno.File(uploaded), uno.File(linked, name="robots.txt"))
        page.children[1].name = "my_robot"
        page.children[1].caption = "Beware"
        page = self.again(page)
        self.assertEqual([block.name for block in page.children], ["note.txt", "my_robot.txt"])
        self.assertIsInstance(page.children[0].file_info, uno.NotionFile)
        self.assertEqual(page.children[1].caption, "Beware")
        self.assertIn("note.txt", [upload.file_name for upload in self.notion.list_uploads()])

    def test_comments_go_on_in_the_page_s_discussion(self):
        page = self.page("Comments")
        page.comments.append("First")
        page.comments.append("Second")
        comments = self.again(page).comments
        self.assertEqual([comment.text for comment in comments], ["First", "Second"])
        self.assertEqual(len({comment.discussion_id for comment in comments}), 1)
        self.assertEqual(comments[0].user, self.notion.whoami())

    def test_people_and_the_bot_are_found(self):
        me = self.notion.whoami()
        self.assertIn(me, self.notion.all_users())
        self.assertEqual(self.notion.get_user(me.id, use_cache=False).name, me.name)
        ada = self.notion.search_user("Ada Lindqvist").item()
        self.assertEqual(self.notion.get_user(ada.id, use_cache=False), ada)
        with self.assertRaises(UnknownUserError):
            self.notion.get_user("745e79dd-3e43-40de-9d51-39357c1c428f", use_cache=False)

    def test_a_schema_makes_a_table_and_its_rows(self):
        class Trips(uno.Schema, db_title="Trips"):
            """Where we go"""

            name = uno.PropType.Title("Name")
            team = uno.PropType.Select("Team", options=Team)
            teams = uno.PropType.MultiSelect("Teams", options=Team)
            days = uno.PropType.Number("Days", format=uno.NumberFormat.NUMBER)
            twice = uno.PropType.Formula("Twice", formula='prop("Days") * 2')
            start = uno.PropType.Date("Start")
            paid = uno.PropType.Checkbox("Paid")
            link = uno.PropType.URL("Link")
            number = uno.PropType.ID("Number", prefix="TRP")
            by = uno.PropType.CreatedBy("By")

        trips = self.notion.create_ds(parent=self.root, schema=Trips)
        made = trips.create_page(
            name="Lofoten", team=Team.sea, teams=[Team.sea, Team.land], days=6, start=date(2026, 6, 1), paid=True,
            link="https://www.example.com/lofoten",
        )
        bare = Trips.create()
        self.forget()
        trips = self.notion.search_ds("Trips").item()
        self.assertEqual((trips.title, trips.description), ("Trips", "Where we go"))
        newest, oldest = trips.get_all_pages().to_pages()
        self.assertEqual((newest, oldest), (bare, made), "the newest row comes first")
        props = oldest.props
        self.assertEqual((props.team.name, len(props.teams), props.twice, props.number), ("Sea", 2, 12, "TRP-1"))
        self.assertEqual((props.start.to_date_string(), props.paid), ("2026-06-01", True))
        self.assertEqual(props.by, self.notion.whoami())
        oldest.update_props(days=7, team=None)
        self.assertEqual((self.again(oldest).props.days, oldest.props.team), (7, None))

    def test_queries_filter_and_sort(self):
        class Stock(uno.Schema, db_title="Stock"):
            name = uno.PropType.Title("Name")
            count = uno.PropType.Number("Count")
            kinds = uno.PropType.MultiSelect("Kinds", options=Team)
            seen = uno.PropType.Date("Seen")

        stock = self.notion.create_ds(parent=self.root, schema=Stock)
        now = "2026-06-24T17:33:21.134+01:00"
        stock.create_page(name="Rope", count=3, kinds=[Team.sea], seen=now)
        stock.create_page(name="Tent", count=1, kinds=[Team.land])
        stock.create_page(name="Rod", count=2, kinds=[Team.sea, Team.land])

        def names(condition, *sorts):
            query = stock.query.filter(condition)
            return [page.title for page in query.sort(*sorts or [uno.prop("Count")]).execute()]

        self.assertEqual(names(uno.prop("Kinds").contains(Team.sea)), ["Rod", "Rope"])
        self.assertEqual(names(uno.prop("Name").starts_with("R"), uno.prop("Name").desc()), ["Rope", "Rod"])
        self.assertEqual(names((uno.prop("Count") < 2) | (uno.prop("Count") == 3)), ["Tent", "Rope"])
        seen = stock.query.filter(uno.prop("Name") == "Rope").execute()[0].props.seen
        self.assertEqual(names(uno.prop("Seen") == seen.add(seconds=21)), ["Rope"], "dates are compared to the minute")
        self.assertEqual(names(uno.prop("Seen").is_empty()), ["Tent", "Rod"])

    def test_a_schema_grows_and_relations_have_two_sides(self):
        class Authors(uno.Schema, db_title="Authors"):
            name = uno.PropType.Title("Name")
            books = uno.PropType.Relation("Books")

        class Books(uno.Schema, db_title="Books of ours"):
            name = uno.PropType.Title("Name")
            by = uno.PropType.Relation("By", schema=Authors, two_way_prop=Authors.books)
            count = uno.PropType.Rollup("Authors", relation=by, rollup=Authors.name, calculate=uno.AggFunc.COUNT_ALL)

        authors, books = (self.notion.create_ds(parent=self.root, schema=schema) for schema in (Authors, Books))
        tove = authors.create_page(name="Tove")
        book = books.create_page(name="Moomins", by=[tove])
        self.assertEqual((self.again(tove).props.books, book.props.count), ([book], 1))
        books = self.notion.get_ds(books.id)
        books.schema["Pages"] = uno.PropType.Number(format=uno.NumberFormat.DOLLAR)
        books.schema["Pages"] = uno.PropType.Formula(formula='prop("Name") + "!"')
        books.schema["Pages"].name = "Shout"
        books.reload()
        self.assertTrue(books.schema["Shout"].formula.startswith("{{notion:block_property:title:"))
        self.assertEqual(self.again(book).props["Shout"], "Moomins!")
        books.schema["By"].two_way_prop = None
        authors = self.notion.get_ds(authors.id, use_cache=False)
        self.assertNotIn("Books", [column.name for column in authors.schema.get_props()])
        with self.assertRaises(SchemaError):
            books.schema = Authors

    def test_a_database_holds_several_data_sources(self):
        database = self.notion.create_db(parent=self.root, title="Store")
        people = database.create_ds(title="People")
        self.assertEqual([source.title for source in database.data_sources], ["Store", "People"])
        database.delete_ds(people)
        self.forget()
        database = self.notion.get_db(database.id)
        self.assertEqual([source.title for source in database.data_sources], ["Store"])
        database.restore_ds(people)
        people.move(self.notion.create_db(parent=self.root, title="Elsewhere"))
        self.assertEqual([source.title for source in database.reload().data_sources], ["Store"])
        untitled = self.notion.create_ds(parent=self.root)
        self.assertEqual((untitled.title, self.notion.get_db(untitled.database_id).title), (None, "New database"))
        untitled.description = "Said of the database"
        self.assertEqual(self.notion.get_ds(untitled.id, use_cache=False).description, "Said of the database")
        untitled.delete()
        self.assertTrue(untitled.is_deleted)


if __name__ == "__main__":
    unittest.main()
