// Server-sent events as the command line reads them: in whatever pieces they come, they are the same ones.
#include <algorithm>

#include "cli/sse.h"
#include "fuzz/fuzz.h"

namespace slipway::fuzz {
namespace {

struct Read {
    std::vector<std::string> events;
    bool whole = true;
    friend bool operator==(const Read&, const Read&) = default;
};

Read in_pieces(std::string_view input, std::size_t size) {
    Read read;
    slipway::cli::SseReader reader([&](const slipway::cli::SentEvent& event) {
        check((event.id + event.type).find_first_of("\r\n") == std::string::npos, "a field is a line", event.id);
        check(!event.data.contains('\r'), "no line end is left in the data", event.data);
        read.events.push_back(event.id + "\x1f" + event.type + "\x1f" + event.data);
        return read.events.size() < 20;
    });
    while (!input.empty() && read.whole) {
        const std::string_view piece = input.substr(0, size);
        input.remove_prefix(piece.size());
        read.whole = reader.feed(piece);
    }
    return read;
}

}  // namespace

void event_stream(std::string_view input) {
    const Read whole = in_pieces(input, std::max<std::size_t>(input.size(), 1));
    for (const std::size_t size : {1, 2, 7}) {
        check(in_pieces(input, size) == whole, "pieces change nothing", input);
    }
}

}  // namespace slipway::fuzz
