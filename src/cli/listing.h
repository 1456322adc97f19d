// Listings of every kind: pages as they come, in the form that was asked for.
#pragma once

#include <string>
#include <vector>

#include "cli/api.h"
#include "cli/output.h"

namespace slipway::cli {

constexpr std::size_t kEverything = 1'000'000;  // of any listing: more than anybody reads

struct Listing {
    std::string target;  // with its filters
    std::string items;   // the member that holds them
    std::vector<Column> columns;
    std::string name_key = "name";  // what `-o name` prints
    std::string after = {};         // a cursor to begin at
    std::size_t limit = kEverything;
    bool whole = false;                            // the API has no pages of it
    std::string more = "raise --limit or filter";  // what to do where there are more than the limit
};

// Prints each page before it asks for the next one. With `json` one array of the API's objects.
Outcome<Exit> list(Api& api, const Listing& listing, Format format);

// Things that are at hand already.
void print_items(Environment& environment, const json::array& items, const Listing& listing, Format format);

}  // namespace slipway::cli
