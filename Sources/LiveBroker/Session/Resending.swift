// SPDX-License-Identifier: Apache-2.0

/// What of the uncertain input is sent again on the new connection.
///
/// | kind            | sent again                                                              |
/// |-----------------|-------------------------------------------------------------------------|
/// | text, turns     | in order, as far as their frames were kept                              |
/// | activity marks  | in order, so that a service which remembers the beginning of an activity never waits for an end that was lost; one that remembers neither hears an empty activity |
/// | ends of an activity that only the old conversation knew | not, if the new one begins afresh       |
/// | audio, video    | never: they would be heard twice                                        |
/// | tool responses  | never: the new connection knows no call                                 |
struct Resending {
  private(set) var items: [Outbox.Item] = []
  private let isFresh: Bool
  private var isActive = false

  init(isFresh: Bool) { self.isFresh = isFresh }

  mutating func consider(_ item: Outbox.Item) {
    guard !item.message.frame.isEmpty else { return }
    switch item.message.kind {
    case .text:
      items.append(item)
    case .activity:
      if item.message.marks.contains(.start) { isActive = true }
      if isActive || !isFresh { items.append(item) }
    case .audio, .video, .toolResponse:
      break
    }
  }
}
