#include "privacy/rewrite.h"

#include <algorithm>
#include <charconv>

#include "privacy/personal_forms.h"

namespace millrace::privacy {

void Rewrite::begin(std::string_view text) {
  old_ = text;
  edits_.clear();
  replacements_.clear();
}

void Rewrite::replace(std::size_t from, std::size_t to, std::string_view with) { add(from, to, with, false); }

void Rewrite::replace_quoted(std::size_t from, std::size_t to, std::string_view with) {
  add(from, to, with, true);
}

void Rewrite::add(std::size_t from, std::size_t to, std::string_view with, bool quoted) {
  Edit edit;
  edit.from = static_cast<std::uint32_t>(from);
  edit.to = static_cast<std::uint32_t>(to);
  edit.with_from = static_cast<std::uint32_t>(replacements_.size());
  replacements_ += with;
  edit.with_to = static_cast<std::uint32_t>(replacements_.size());
  edit.quoted = quoted;
  edits_.push_back(edit);
}

std::string_view Rewrite::apply() {
  std::stable_sort(edits_.begin(), edits_.end(),
                   [](const Edit& a, const Edit& b) { return a.from < b.from; });
  new_.clear();
  std::size_t done = 0, kept = 0;
  for (std::size_t i = 0; i < edits_.size(); ++i) {
    Edit edit = edits_[i];
    if (edit.from < done) continue;
    new_ += old_.substr(done, edit.from - done);
    if (edit.quoted) new_ += '"';
    edit.new_from = static_cast<std::uint32_t>(new_.size());
    new_.append(replacements_, edit.with_from, edit.with_to - edit.with_from);
    edit.new_to = static_cast<std::uint32_t>(new_.size());
    if (edit.quoted) new_ += '"';
    done = edit.to;
    edits_[kept++] = edit;
  }
  edits_.resize(kept);
  new_ += old_.substr(done);
  return new_;
}

std::size_t Rewrite::moved(std::size_t position, bool end) const {
  // The last edit that begins before it.
  const auto after =
      std::upper_bound(edits_.begin(), edits_.end(), position,
                       [&](std::size_t at, const Edit& edit) { return at < edit.from + (end ? 1 : 0); });
  if (after == edits_.begin()) return position;
  const Edit& edit = *std::prev(after);
  if (position < edit.to || (end && position == edit.to)) return end ? edit.new_to : edit.new_from;
  return edit.new_to + (edit.quoted ? 1 : 0) + (position - edit.to);
}

void Rewrite::move(std::string_view& view) const {
  if (view.data() < old_.data() || view.data() + view.size() > old_.data() + old_.size()) return;
  if (view.empty()) {
    view = {};
    return;
  }
  const auto from = static_cast<std::size_t>(view.data() - old_.data());
  const std::size_t begin = moved(from, false);
  const std::size_t end = moved(from + view.size(), true);
  view = std::string_view(new_).substr(begin, end - begin);
}

void Rewrite::apply(event::Event& event) {
  apply();
  for (auto& text : event.texts) move(text);
  for (auto& line : event.products) {
    for (auto* text : {&line.product_id, &line.sku, &line.name, &line.brand, &line.category, &line.variant,
                       &line.coupon}) {
      move(*text);
    }
  }
  event.raw = new_;
}

// In a string of JSON that is in a string of JSON the backslash of an escape is two, and so on.
void unescape(std::string_view json, Rewrite& rewrite) {
  rewrite.begin(json);
  for (std::size_t at = json.find('\\'); at != std::string_view::npos; at = json.find('\\', at)) {
    const std::size_t from = at;
    at = std::min(json.find_first_not_of('\\', at), json.size());
    if (at + 5 > json.size() || json[at] != 'u') {
      at = std::min(at + 1, json.size());
      continue;
    }
    unsigned code = 0;
    const auto* digits = json.data() + at + 1;
    const auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
    const bool readable = error == std::errc() && end == digits + 4;
    // Controls, quotes and backslashes need their escapes; halves of surrogate pairs are no characters.
    if (readable && code >= 0x20 && code != '"' && code != '\\' && code != 0x7f &&
        (code < 0xd800 || code > 0xdfff)) {
      char bytes[3];
      std::size_t size = 0;
      if (code < 0x80) {
        bytes[size++] = static_cast<char>(code);
      } else {
        if (code < 0x800) {
          bytes[size++] = static_cast<char>(0xc0 | code >> 6);
        } else {
          bytes[size++] = static_cast<char>(0xe0 | code >> 12);
          bytes[size++] = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        }
        bytes[size++] = static_cast<char>(0x80 | (code & 0x3f));
      }
      // Of an odd number the last one is of the escape, and those before it are pairs of their own.
      const std::size_t backslashes = at - from;
      rewrite.replace(backslashes % 2 == 1 ? at - 1 : from, at + 5, {bytes, size});
    }
    at += 5;
  }
}

}  // namespace millrace::privacy
