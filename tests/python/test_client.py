"""The Python client, unmodified, against the emulator: what its documentation shows, both ways (plain and async)."""

import asyncio
import io
import unittest

from notion_client import APIErrorCode, APIResponseError, AsyncClient, Client
from notion_client.helpers import (
    async_collect_paginated_api,
    collect_data_source_templates,
    collect_paginated_api,
    is_full_data_source,
    is_full_page,
    iterate_paginated_api,
)

from emulator import Emulator


def setUpModule():
    global emulator
    emulator = Emulator()


def tearDownModule():
    emulator.stop()


def text(content):
    return [{"text": {"content": content}}]


class PlainClient(unittest.TestCase):
    def setUp(self):
        self.notion = Client(auth=emulator.facts["internal_token"], base_url=emulator.facts["url"])
        self.root = emulator.facts["root_page_id"]

    def tearDown(self):
        self.notion.close()

    def page(self, title, **more):
        properties = {"title": {"title": text(title)}}
        return self.notion.pages.create(parent={"page_id": self.root}, properties=properties, **more)

    def test_users_are_listed_and_found(self):
        users = self.notion.users.list()
        people = [user for user in users["results"] if user["type"] == "person"]
        self.assertIn("Ada Lindqvist", [user["name"] for user in people])
        self.assertEqual(self.notion.users.retrieve(people[0]["id"])["id"], people[0]["id"])
        self.assertEqual(self.notion.users.me()["type"], "bot")

    def test_a_database_is_queried_as_in_the_readme(self):
        found = self.notion.search(query="Project tracker", filter={"property": "object", "value": "data_source"})
        tracker = found["results"][0]
        self.assertTrue(is_full_data_source(tracker))
        done = self.notion.data_sources.query(
            data_source_id=tracker["id"],
            filter={"property": "Status", "status": {"equals": "Done"}},
            sorts=[{"property": "Name", "direction": "ascending"}],
        )
        names = [row["properties"]["Name"]["title"][0]["plain_text"] for row in done["results"]]
        self.assertEqual(names, sorted(names))
        self.assertGreater(len(names), 0)
        every = collect_paginated_api(self.notion.data_sources.query, data_source_id=tracker["id"], page_size=3)
        self.assertEqual(len({row["id"] for row in every}), len(every))
        self.assertGreater(len(every), len(names))

    def test_a_database_is_made_changed_and_trashed(self):
        database = self.notion.databases.create(
            parent={"type": "page_id", "page_id": self.root},
            title=text("Expenses"),
            initial_data_source={"properties": {"Name": {"title": {}}, "Amount": {"number": {"format": "euro"}}}},
        )
        source = database["data_sources"][0]["id"]
        self.notion.data_sources.update(data_source_id=source, properties={"Paid": {"checkbox": {}}})
        row = self.notion.pages.create(
            parent={"data_source_id": source},
            properties={"Name": {"title": text("Ink")}, "Amount": {"number": 12.5}, "Paid": {"checkbox": True}},
        )
        self.assertEqual(row["properties"]["Amount"]["number"], 12.5)
        again = self.notion.data_sources.retrieve(data_source_id=source)
        self.assertEqual(again["properties"]["Paid"]["type"], "checkbox")
        self.assertEqual(collect_data_source_templates(self.notion.data_sources.list_templates, data_source_id=source), [])
        second = self.notion.data_sources.create(
            parent={"database_id": database["id"]}, properties={"Name": {"title": {}}}, title=text("Income")
        )
        listed = self.notion.databases.retrieve(database_id=database["id"])["data_sources"]
        self.assertEqual([source, second["id"]], [one["id"] for one in listed])
        renamed = self.notion.databases.update(database_id=database["id"], title=text("Money"))
        self.assertEqual(renamed["title"][0]["plain_text"], "Money")
        self.assertTrue(self.notion.blocks.delete(block_id=database["id"])["in_trash"])

    def test_a_page_is_made_moved_and_edited_as_markdown(self):
        page = self.page("From Python", markdown="A first line")
        self.assertTrue(is_full_page(page))
        home = self.page("Home")
        moved = self.notion.pages.move(page["id"], parent={"page_id": home["id"]})
        self.assertEqual(moved["parent"]["page_id"], home["id"])
        self.notion.pages.update_markdown(
            page["id"], type="insert_content", insert_content={"content": "## More\n\n- one\n- two"}
        )
        markdown = self.notion.pages.retrieve_markdown(page["id"])["markdown"]
        self.assertEqual(markdown, "A first line\n## More\n- one\n- two")
        title = self.notion.pages.properties.retrieve(page["id"], "title")
        self.assertEqual(title["results"][0]["title"]["plain_text"], "From Python")

    def test_blocks_are_appended_listed_and_deleted(self):
        page = self.page("Blocks")
        children = [{"paragraph": {"rich_text": text(f"Line {number}")}} for number in range(7)]
        self.notion.blocks.children.append(block_id=page["id"], children=children)
        listed = list(iterate_paginated_api(self.notion.blocks.children.list, block_id=page["id"], page_size=2))
        self.assertEqual([block["paragraph"]["rich_text"][0]["plain_text"] for block in listed],
                         [f"Line {number}" for number in range(7)])
        changed = self.notion.blocks.update(listed[0]["id"], paragraph={"rich_text": text("Changed")})
        self.assertEqual(self.notion.blocks.retrieve(changed["id"])["paragraph"]["rich_text"][0]["plain_text"], "Changed")
        self.assertTrue(self.notion.blocks.delete(listed[0]["id"])["in_trash"])
        left = self.notion.blocks.children.list(block_id=page["id"])["results"]
        self.assertEqual(len(left), 6)

    def test_comments_are_written_and_read(self):
        page = self.page("Comments")
        comment = self.notion.comments.create(parent={"page_id": page["id"]}, rich_text=text("Hm."))
        self.notion.comments.create(discussion_id=comment["discussion_id"], rich_text=text("Indeed."))
        listed = self.notion.comments.list(block_id=page["id"])["results"]
        self.assertEqual([one["rich_text"][0]["plain_text"] for one in listed], ["Hm.", "Indeed."])
        self.notion.comments.update(comment["id"], rich_text=text("Hm!"))
        self.assertEqual(self.notion.comments.retrieve(comment_id=comment["id"])["rich_text"][0]["plain_text"], "Hm!")
        self.notion.comments.delete(comment["id"])

    def test_a_file_is_sent_and_attached(self):
        upload = self.notion.file_uploads.create(mode="single_part", filename="note.txt", content_type="text/plain")
        sent = self.notion.file_uploads.send(upload["id"], file=("note.txt", io.BytesIO(b"Hello"), "text/plain"))
        self.assertEqual((sent["status"], sent["content_length"]), ("uploaded", 5))
        self.assertEqual(self.notion.file_uploads.retrieve(upload["id"])["status"], "uploaded")
        self.assertEqual(self.notion.file_uploads.list(page_size=1)["results"][0]["id"], upload["id"])
        attached = self.page("Files", children=[{"file": {"type": "file_upload", "file_upload": {"id": upload["id"]}}}])
        block = self.notion.blocks.children.list(block_id=attached["id"])["results"][0]
        self.assertEqual(block["file"]["name"], "note.txt")

    def test_views_are_made_and_queried(self):
        found = self.notion.search(query="Project tracker", filter={"property": "object", "value": "data_source"})
        tracker = found["results"][0]
        view = self.notion.views.create(
            data_source_id=tracker["id"], database_id=tracker["parent"]["database_id"], name="Mine", type="table"
        )
        query = self.notion.views.queries.create(view["id"], page_size=5)
        rows = self.notion.views.queries.results(view["id"], query["id"])
        self.assertEqual(rows["type"], "page")
        self.assertGreater(query["total_count"], 5)
        self.notion.views.queries.delete(view["id"], query["id"])
        self.notion.views.delete(view["id"])

    def test_errors_are_of_the_clients_own_class(self):
        with self.assertRaises(APIResponseError) as caught:
            self.notion.pages.retrieve("00000000-0000-4000-8000-000000000000")
        self.assertEqual(caught.exception.code, APIErrorCode.ObjectNotFound)
        self.assertTrue(caught.exception.request_id)
        with Client(auth="ntn_nobody", base_url=emulator.facts["url"]) as stranger:
            with self.assertRaises(APIResponseError) as caught:
                stranger.users.list()
        self.assertEqual(caught.exception.code, APIErrorCode.Unauthorized)


class AsynchronousClient(unittest.TestCase):
    def test_the_async_client_does_the_same(self):
        async def job():
            async with AsyncClient(auth=emulator.facts["internal_token"], base_url=emulator.facts["url"]) as notion:
                found, me = await asyncio.gather(notion.search(query="Product home"), notion.users.me())
                self.assertEqual(me["type"], "bot")
                page = found["results"][0]
                blocks = await async_collect_paginated_api(
                    notion.blocks.children.list, block_id=page["id"], page_size=4
                )
                self.assertGreater(len(blocks), 4)
                self.assertEqual(len({block["id"] for block in blocks}), len(blocks))

        asyncio.run(job())


if __name__ == "__main__":
    unittest.main()
