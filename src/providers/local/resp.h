// As much of the Redis protocol as it takes to know that an engine is up and whose it is.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/task.h"
#include "providers/local/dialog.h"

namespace slipway::local {

// One command; a word may be a secret.
using Command = std::vector<Secret>;
Command command(std::initializer_list<std::string_view> words);

// The whole replies that what has come in begins with, at most `wanted`, in the form that exchange() answers.
std::vector<std::string> replies_in(std::string_view text, std::size_t wanted);

// Sends the commands over a new connection and answers one reply each: "+OK", "-ERR …", ":1", a bulk string as
// "$text", an array's elements one a line after "*". A reply is bounded at 64 KiB.
Task<std::expected<std::vector<std::string>, NoReply>> exchange(std::string address, std::uint16_t port,
                                                                std::vector<Command> commands, Deadline deadline);

}  // namespace slipway::local
