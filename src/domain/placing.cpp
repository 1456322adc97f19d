#include "domain/placing.h"

#include <fmt/format.h>

namespace slipway {

std::string host_book_key(Kind kind, std::string_view engine) {
    return fmt::format("placement/{}/{}", to_string(kind), engine);
}

Result<HostBook> read_host_book(std::string_view text) {
    HostBook book;
    if (text.empty()) return book;
    const auto parsed = json::parse(text);
    const json::object* members = parsed ? parsed->if_object() : nullptr;
    const json::value* current = members != nullptr ? members->if_contains("current") : nullptr;
    const json::value* made = members != nullptr ? members->if_contains("made") : nullptr;
    if (current == nullptr || made == nullptr || !current->is_string() || !made->is_int64() ||
        made->get_int64() < 0) {
        return fail(ErrorCode::storage, "the book of the shared servers is damaged", std::string(text));
    }
    book.current = ResourceId(std::string(current->get_string()));
    book.made = static_cast<std::uint64_t>(made->get_int64());
    return book;
}

std::string text_of(const HostBook& book) {
    return json::dump(json::object{{"current", book.current.str()}, {"made", book.made}});
}

std::string host_name(std::uint64_t number) { return fmt::format("hephy-instance-{:07}", number); }

}  // namespace slipway
