// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue over one growing buffer; no allocation once it has its size.
struct Ring<Element> {
  private var slots: [Element?]
  private var head = 0
  private(set) var count = 0

  /// - Parameter capacity: Rounded up to a power of two.
  init(capacity: Int = 16) {
    var size = 16
    while size < capacity { size <<= 1 }
    slots = Array(repeating: nil, count: size)
  }

  var isEmpty: Bool { count == 0 }

  var first: Element? { count == 0 ? nil : slots[head] }

  /// Looks at the first element in place; nil if there is none.
  @inline(__always)
  func lookAtFirst<Value>(_ look: (borrowing Element?) -> Value?) -> Value? {
    count == 0 ? nil : look(slots[head])
  }

  mutating func append(_ element: consuming Element) {
    if count == slots.count { grow() }
    slots[(head &+ count) & (slots.count &- 1)] = consume element
    count &+= 1
  }

  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    // Taking leaves nil behind, so that what the element holds is released with it.
    let element = slots[head].take()
    head = (head &+ 1) & (slots.count &- 1)
    count &-= 1
    return element
  }

  private mutating func grow() {
    var larger: [Element?] = []
    larger.reserveCapacity(slots.count * 2)
    for offset in 0..<count { larger.append(slots[(head + offset) & (slots.count - 1)]) }
    larger.append(contentsOf: repeatElement(nil, count: slots.count * 2 - count))
    slots = larger
    head = 0
  }
}

extension Ring: Sendable where Element: Sendable {}
