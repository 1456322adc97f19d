#include "store/json_out.h"

#include <boost/json/serialize.hpp>

namespace slipway::store {
namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

}  // namespace

void JsonOut::append_quoted(std::string_view text) {
    out_ += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!needs_escape(text[i])) continue;
        out_.append(text, plain, i - plain);
        plain = i + 1;
        if (text[i] == '"' || text[i] == '\\') {
            out_ += '\\';
            out_ += text[i];
        } else {
            fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(text[i]));
        }
    }
    out_.append(text, plain);
    out_ += '"';
}

void JsonOut::tree(std::string_view key, const json::object& value) {
    member(key);
    if (value.empty()) {
        out_ += "{}";
    } else {
        out_ += boost::json::serialize(value);
    }
}

void JsonOut::texts(std::string_view key, const std::vector<std::string>& values) {
    begin_array(key);
    for (const std::string& value : values) text_item(value);
    end_array();
}

}  // namespace slipway::store
