// SPDX-License-Identifier: Apache-2.0

// Answers of the machine are put together from parts of which most are empty. The library's `+` copies
// element by element even then; with these a part that is alone is passed on as it is.
extension [SessionMachine.Action] {
  static func + (first: [SessionMachine.Action], second: [SessionMachine.Action]) -> Self {
    if first.isEmpty { return second }
    if second.isEmpty { return first }
    var both = first
    both.append(contentsOf: second)
    return both
  }

  static func += (first: inout [SessionMachine.Action], second: [SessionMachine.Action]) {
    first = first + second
  }
}
