// SPDX-License-Identifier: Apache-2.0

/// The ports of the sessions by name: an open hash table (linear probing) of nothing but references,
/// since a port knows its own name.
///
/// A `Dictionary` would keep 24 bytes in each bucket and double its size when it grows, 63 bytes a
/// session at its worst; here they are 11 to 16.
struct PortTable {
  private var buckets: [SessionPort?] = Array(repeating: nil, count: 16)
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  func find(_ id: SessionID) -> SessionPort? { buckets[place(of: id)] }

  /// Puts in a port whose name is not taken yet.
  mutating func insert(_ port: SessionPort) {
    if (count + 1) * 4 > buckets.count * 3 { grow() }
    buckets[place(of: port.id)] = port
    count += 1
  }

  /// Takes the port of this name out; nothing happens if there is none.
  mutating func remove(_ id: SessionID) {
    var gap = place(of: id)
    guard buckets[gap] != nil else { return }
    buckets[gap] = nil
    count -= 1
    // What stands behind may have wanted to stand in the gap: a search must not end there.
    var next = following(gap)
    while let port = buckets[next] {
      let home = home(of: port.id)
      let isReachable = gap < next ? gap < home && home <= next : gap < home || home <= next
      if !isReachable {
        buckets.swapAt(gap, next)
        gap = next
      }
      next = following(next)
    }
  }

  /// Where the port of this name stands, or would stand.
  private func place(of id: SessionID) -> Int {
    var place = home(of: id)
    while let port = buckets[place], port.id != id { place = following(place) }
    return place
  }

  private func home(of id: SessionID) -> Int {
    let hash = UInt64(UInt(bitPattern: id.hashValue))
    return Int(hash.multipliedFullWidth(by: UInt64(buckets.count)).high)
  }

  private func following(_ place: Int) -> Int { place + 1 == buckets.count ? 0 : place + 1 }

  private mutating func grow() {
    let former = buckets
    buckets = Array(repeating: nil, count: former.count * 3 / 2)
    for case let port? in former { buckets[place(of: port.id)] = port }
  }
}
