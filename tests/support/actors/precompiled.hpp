#pragma once

// What every suite of actors/ begins with, compiled once. CAF's test language defines short macros
// (expect, allow, inject) and the name `_`, so it stands last; the suite's name is each file's own.

#include "actors/album_view.hpp"
#include "actors/context.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/network.hpp"
#include "libstip/catalog/rows.hpp"

#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>
#undef CAF_SUITE
