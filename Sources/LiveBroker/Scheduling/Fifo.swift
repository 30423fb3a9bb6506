// SPDX-License-Identifier: Apache-2.0

/// A queue in one array: appended at the back, taken from the front, both in constant time.
package struct Fifo<Element> {
  private var items: [Element?] = []
  private var head = 0

  package init() {}

  package var count: Int { items.count - head }
  package var isEmpty: Bool { head == items.count }
  package var first: Element? { head < items.count ? items[head] : nil }

  package mutating func append(_ element: Element) { items.append(element) }

  package mutating func popFirst() -> Element? {
    guard head < items.count else { return nil }
    let element = items[head].take()
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: items.capacity <= 64)
      head = 0
    } else if head >= 32, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Puts elements before all others, in the order given.
  package mutating func prepend(contentsOf elements: [Element]) {
    guard !elements.isEmpty else { return }
    items.replaceSubrange(0..<head, with: elements.map(Optional.some))
    head = 0
  }

  /// Removes what `shouldRemove` names and returns it, in order.
  package mutating func removeAll(where shouldRemove: (Element) -> Bool) -> [Element] {
    var removed: [Element] = []
    var kept: [Element?] = []
    for case let element? in items[head...] {
      if shouldRemove(element) { removed.append(element) } else { kept.append(element) }
    }
    guard !removed.isEmpty else { return [] }
    items = kept
    head = 0
    return removed
  }

  /// The newest element, changeable in place.
  package var last: Element? {
    get { isEmpty ? nil : items[items.count - 1] }
    set {
      guard !isEmpty, let newValue else { return }
      items[items.count - 1] = newValue
    }
  }

  /// The elements, oldest first.
  package var elements: [Element] { items[head...].compactMap { $0 } }
}

extension Fifo: Sendable where Element: Sendable {}
