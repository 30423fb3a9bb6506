// SPDX-License-Identifier: Apache-2.0

/// The name that a mistyped one most likely stands for, or nil if none is near.
///
/// Near is: at most a third of the letters differ, or one begins with the other.
func nearestName(to typed: String, among names: [String]) -> String? {
  let best = names.map { (name: $0, distance: editDistance(typed, $0)) }
    .min { $0.distance < $1.distance }
  guard let best else { return nil }
  if best.distance <= max(1, best.name.count / 3) { return best.name }
  guard typed.count >= 3 else { return nil }
  return names.first { $0.hasPrefix(typed) || typed.hasPrefix($0) }
}

/// How many letters must be inserted, deleted, replaced or swapped with their neighbour to make
/// one word of the other.
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.utf8)
  // Longer words are never a mistyped name of ours, and the table below is quadratic.
  let b = Array(b.utf8)
  guard a.count <= 64, b.count <= 64 else { return .max }
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, beforeLast[j - 1] + 1)
      }
      row.append(cost)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}
