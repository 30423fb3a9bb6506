// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Shows how far a tour has come, and knows how long it took.
final class TourProgress: Sendable {
  private let begin = ContinuousClock.now
  private let bar: Mutex<ProgressBar>

  init(_ options: TourOptions) {
    bar = Mutex(
      ProgressBar(
        length: options.length, sessions: options.sessions,
        isVisible: Console.canDraw && !options.printsJSON))
  }

  /// Time on the clock of the wall since the beginning.
  var wall: Duration { begin.duration(to: .now) }

  /// Draws the bar if it is time to.
  func show(virtual: Duration, live: Int) {
    let wall = wall
    let text = bar.withLock {
      $0.draw(virtual: virtual, live: live, wall: wall, columns: Console.columns)
    }
    if let text { Console.draw(text) }
  }

  /// Takes the bar away.
  func finish() {
    let text = bar.withLock { $0.erase() }
    if let text { Console.draw(text) }
  }
}
