// SPDX-License-Identifier: Apache-2.0

/// A binary heap of entries by key, lowest first, ties in order of insertion, from which any entry
/// can be removed: all in O(log n).
struct TicketHeap: Sendable {
  private struct Node {
    var key: Int64
    var serial: UInt64
    var entry: UInt32

    func precedes(_ other: Node) -> Bool {
      key == other.key ? serial < other.serial : key < other.key
    }
  }

  private static let absent = UInt32.max

  private var nodes: [Node] = []
  /// Where each entry lies among the nodes.
  private var positions: [UInt32] = []
  private var serial: UInt64 = 0

  var count: Int { nodes.count }
  var isEmpty: Bool { nodes.isEmpty }
  /// The lowest key and its entry.
  var first: (key: Int64, entry: UInt32)? { nodes.first.map { ($0.key, $0.entry) } }

  mutating func insert(_ entry: UInt32, key: Int64) {
    if entry >= positions.count {
      positions.append(
        contentsOf: repeatElement(Self.absent, count: Int(entry) + 1 - positions.count))
    }
    nodes.append(Node(key: key, serial: serial, entry: entry))
    serial &+= 1
    siftUp(nodes.count - 1)
  }

  /// Removes an entry; `false` if it is not in this heap.
  @discardableResult
  mutating func remove(_ entry: UInt32) -> Bool {
    guard entry < positions.count, positions[Int(entry)] != Self.absent else { return false }
    let index = Int(positions[Int(entry)])
    positions[Int(entry)] = Self.absent
    let last = nodes.removeLast()
    guard index < nodes.count else { return true }
    let precedes = last.precedes(nodes[index])
    nodes[index] = last
    if precedes { siftUp(index) } else { siftDown(index) }
    return true
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    let node = nodes[index]
    while index > 0, case let parent = (index - 1) / 2, node.precedes(nodes[parent]) {
      place(nodes[parent], at: index)
      index = parent
    }
    place(node, at: index)
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    let node = nodes[index]
    while case let left = 2 * index + 1, left < nodes.count {
      let right = left + 1
      let child = right < nodes.count && nodes[right].precedes(nodes[left]) ? right : left
      guard nodes[child].precedes(node) else { break }
      place(nodes[child], at: index)
      index = child
    }
    place(node, at: index)
  }

  private mutating func place(_ node: Node, at index: Int) {
    nodes[index] = node
    positions[Int(node.entry)] = UInt32(truncatingIfNeeded: index)
  }
}
