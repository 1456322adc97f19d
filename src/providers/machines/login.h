// Who answers as a machine by SSH, and whether its login works.
#pragma once

#include <string>

#include "base/secret.h"
#include "providers/deadline.h"
#include "providers/machines/workers.h"

namespace slipway::machines {

enum class Greeted : std::uint8_t {
    unheard,   // nobody answers, or nobody that speaks SSH yet
    denied,    // it answers, and does not let this login in (yet)
    answered,  // it answers; no login was tried
    let_in,    // the login works: a session was opened with it
};

struct Greeting {
    Greeted seen = Greeted::unheard;
    std::string host_key;  // "SHA256:…" of the machine's own key, where it was seen
    std::string why;       // in words, where it is not let_in
};

struct LoginTry {
    std::string address;
    std::uint16_t port = 22;
    std::string user;
    Secret password;  // empty: none is tried
    // Where it is known: whoever has another one is told no password.
    std::string host_key = {};
    // For the answer whether anybody listens: a packet that comes before its network does is asked for again only a
    // second later.
    Duration listens = std::chrono::milliseconds(500);
};

// Ends within the deadline.
Task<Greeting> greet(Workers& workers, LoginTry wanted, Deadline deadline);

}  // namespace slipway::machines
