// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import Synchronization

/// Counts what a server does, readable from everywhere and after its end.
final class ServerGauge: Sendable {
  private let figures = Mutex(ServerFigures())

  var now: ServerFigures { figures.withLock { $0 } }

  func change(_ body: (inout ServerFigures) -> Void) { figures.withLock { body(&$0) } }
}

/// One timer of an event loop that counts itself. Confined to its loop.
final class LoopTimer {
  private let loop: any EventLoop
  private let gauge: ServerGauge
  private var scheduled: Scheduled<Void>?
  /// When it fires; nil if it is not set.
  private(set) var deadline: NIODeadline?

  init(loop: any EventLoop, gauge: ServerGauge) {
    self.loop = loop
    self.gauge = gauge
  }

  /// Sets it, or moves it.
  func set(_ deadline: NIODeadline, _ body: @escaping () -> Void) {
    cancel()
    self.deadline = deadline
    gauge.change { $0.timersPending += 1 }
    scheduled = loop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.clear()
      body()
    }
  }

  func cancel() {
    guard let scheduled else { return }
    clear()
    scheduled.cancel()
  }

  private func clear() {
    scheduled = nil
    deadline = nil
    gauge.change { $0.timersPending -= 1 }
  }
}

/// Things that are due a fixed time after they were put in: a queue and one timer, however many there
/// are. Confined to its loop.
final class DelayLine<Element> {
  private let loop: any EventLoop
  private let delay: Duration
  private let timer: LoopTimer
  private var queue = Fifo<(due: NIODeadline, element: Element)>()
  private let perform: (Element) -> Void

  init(
    _ delay: Duration, loop: any EventLoop, gauge: ServerGauge,
    perform: @escaping (Element) -> Void
  ) {
    self.loop = loop
    self.delay = delay
    self.perform = perform
    timer = LoopTimer(loop: loop, gauge: gauge)
  }

  func add(_ element: Element) {
    queue.append((loop.now + .nanoseconds(max(0, delay.nanoseconds)), element))
    arm()
  }

  func removeAll() {
    timer.cancel()
    while queue.popFirst() != nil {}
  }

  private func arm() {
    guard timer.deadline == nil, let first = queue.first else { return }
    timer.set(first.due) { self.fire() }
  }

  private func fire() {
    let now = loop.now
    while let first = queue.first, first.due <= now {
      _ = queue.popFirst()
      perform(first.element)
    }
    arm()
  }
}
#endif
