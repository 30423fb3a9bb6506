// SPDX-License-Identifier: Apache-2.0

/// How two sequences of frames, given as small numbers, lie beside each other.
enum FrameAlignment {
  /// Whether `remembered` can be had from `sent` by leaving out some of the frames that may be
  /// absent, and nothing else.
  ///
  /// Walks through `sent` once with the set of all numbers of remembered frames that may have been
  /// used up so far. A frame that must be there moves each of them on or strikes it out; one that
  /// may be absent keeps each as well. So the set has at most as many members as frames were
  /// excused, and with speech, in which frames differ, the next frame behind an excused range
  /// leaves one. A greedy walk would be wrong: it may use up a silence that belongs further behind.
  static func isExact(sent: [Int], remembered: [Int], mayBeAbsent: [Bool]) -> Bool {
    guard remembered.count <= sent.count else { return false }
    var used = [0]
    for (index, frame) in sent.enumerated() {
      let moved = used.lazy.filter { $0 < remembered.count && remembered[$0] == frame }
        .map { $0 + 1 }
      used = mayBeAbsent[index] ? union(used, moved) : Array(moved)
      if used.isEmpty { return false }
    }
    return used.last == remembered.count
  }

  /// The union of two ascending sequences without repetition.
  private static func union(_ a: [Int], _ b: some Sequence<Int>) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(a.count + 1)
    var rest = a[...]
    for value in b {
      while let next = rest.first, next < value { result.append(rest.removeFirst()) }
      if rest.first == value { rest.removeFirst() }
      result.append(value)
    }
    return result + rest
  }

  /// The length of the longest sequence that both contain in order, not necessarily in one piece.
  ///
  /// Myers, "An O(ND) difference algorithm and its variations" (1986): fast where the two are
  /// nearly alike, which even a broken promise leaves them.
  static func longestCommonSequence(_ a: [Int], _ b: [Int]) -> Int {
    let limit = a.count + b.count
    guard !a.isEmpty, !b.isEmpty else { return 0 }
    // farthest[k + offset]: how far in `a` one comes on the diagonal k with so many differences.
    let offset = limit + 1
    var farthest = [Int](repeating: 0, count: 2 * limit + 3)
    for differences in 0...limit {
      // Diagonals beyond the edges of the table cannot lead to its corner.
      let lowest = -differences + 2 * max(0, differences - b.count)
      let highest = differences - 2 * max(0, differences - a.count)
      for k in stride(from: lowest, through: highest, by: 2) {
        let goesDown =
          k == -differences
          || (k != differences && farthest[k - 1 + offset] < farthest[k + 1 + offset])
        var x = goesDown ? farthest[k + 1 + offset] : farthest[k - 1 + offset] + 1
        while x < a.count, x - k < b.count, x - k >= 0, a[x] == b[x - k] { x += 1 }
        farthest[k + offset] = x
        if x >= a.count, x - k >= b.count { return (limit - differences) / 2 }
      }
    }
    return 0
  }
}
