"""What is wrong in a site of HTML files: links to files or places that are not there, and anything that is loaded from elsewhere."""
import html.parser
import pathlib
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        # A browser asks for these by itself.
        is_a_resource = tag == "link" and attributes.get("rel") in ("stylesheet", "preload", "icon", "modulepreload")
        if is_a_resource and attributes.get("href"):
            self.loaded.append(attributes["href"])
        if tag in ("script", "img", "iframe", "source", "video", "audio") and attributes.get("src"):
            self.loaded.append(attributes["src"])


def pages_of(site):
    return {page: Page(page.read_text()) for page in sorted(pathlib.Path(site).resolve().rglob("*.html"))}


def is_elsewhere(link):
    return bool(urllib.parse.urlsplit(link).scheme or urllib.parse.urlsplit(link).netloc)


def problems(site):
    site = pathlib.Path(site).resolve()
    pages, found = pages_of(site), []
    if not pages:
        return ["no page"]
    for file, page in pages.items():
        name = file.relative_to(site)
        found += [f"{name} loads {each}" for each in page.loaded if is_elsewhere(each)]
        for link in page.links + page.loaded:
            parts = urllib.parse.urlsplit(link)
            if is_elsewhere(link):
                continue
            target = (file.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target /= "index.html"
            anchor = urllib.parse.unquote(parts.fragment)
            if not target.exists():
                found.append(f"{name}: {link} is not there")
            elif anchor and target in pages and anchor not in pages[target].ids:
                found.append(f"{name}: {link} has no such place")
    return found


def links(site):
    return sum(len(page.links) for page in pages_of(site).values())
