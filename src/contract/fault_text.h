#pragma once

#include <string>
#include <string_view>

#include "contract/schema_program.h"

namespace millrace::contract {

// What a step that failed was about, for people: the keyword, and one sentence. Values of the event are not repeated: what
// they hold may be personal.
std::string_view keyword_of(const Program& program, const Step& step);
std::string sentence_for(const Program& program, const Step& step, const JsonTape& tape, std::uint32_t node);

// `text` as a JSON string.
void append_quoted(std::string& out, std::string_view text);

}  // namespace millrace::contract
