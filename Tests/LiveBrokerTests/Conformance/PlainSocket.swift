// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
import LiveBroker
import Synchronization

/// Tells when a descriptor can be read or written: one thread in `poll`, each wish granted once.
final class Readiness: Sendable {
  private struct Wish {
    var descriptor: Int32
    var events: Int16
    var body: @Sendable () -> Void
  }

  private struct State {
    var wishes: [UInt64: Wish] = [:]
    var serial: UInt64 = 0
    var isStopped = false
  }

  private let state = Mutex(State())
  private let bell: (out: Int32, in: Int32)
  private let thread = ThreadExecutor(name: "plain-poll")

  init() {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    bell = (ends[0], ends[1])
    for end in ends { setNonBlocking(end) }
    thread.start()
    thread.execute { self.run() }
  }

  /// Calls `body` once, as soon as one of the events is there.
  func when(_ descriptor: Int32, _ events: Int32, _ body: @escaping @Sendable () -> Void) -> UInt64
  {
    let id = state.withLock { state in
      state.serial += 1
      state.wishes[state.serial] = Wish(
        descriptor: descriptor, events: Int16(events), body: body)
      return state.serial
    }
    ring()
    return id
  }

  func forget(_ wish: UInt64?) {
    guard let wish else { return }
    _ = state.withLock { $0.wishes.removeValue(forKey: wish) }
    ring()
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    ring()
    thread.stop()
  }

  /// A full pipe rings, too.
  private func ring() {
    var byte: UInt8 = 1
    write(bell.in, &byte, 1)
  }

  private func run() {
    var scratch = [UInt8](repeating: 0, count: 256)
    while true {
      let (ids, wishes, isStopped) = state.withLock { state in
        (Array(state.wishes.keys), Array(state.wishes.values), state.isStopped)
      }
      if isStopped { break }
      var polled = wishes.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
      polled.append(pollfd(fd: bell.out, events: Int16(POLLIN), revents: 0))
      poll(&polled, nfds_t(polled.count), -1)
      if polled.last?.revents != 0 { while read(bell.out, &scratch, scratch.count) > 0 {} }
      for (index, id) in ids.enumerated() where polled[index].revents != 0 {
        // What was forgotten meanwhile is not called.
        state.withLock { $0.wishes.removeValue(forKey: id) }?.body()
      }
    }
    Glibc.close(bell.out)
    Glibc.close(bell.in)
  }
}

/// A connected or connecting socket that never blocks. Everything happens on its executor.
final class PlainSocket: @unchecked Sendable {
  // Unchecked: everything below is touched only on `executor`.
  private let descriptor: Int32
  private let executor: any ShardExecutor
  private let readiness: Readiness
  private var output: [UInt8] = []
  private var reading: UInt64?
  private var writing: UInt64?
  private var isClosed = false
  /// Bytes that came; none mean the end.
  var received: ([UInt8]) -> Void = { _ in }
  /// Some of the output was taken.
  var drained: () -> Void = {}

  init(_ descriptor: Int32, _ executor: any ShardExecutor, _ readiness: Readiness) {
    self.descriptor = descriptor
    self.executor = executor
    self.readiness = readiness
    setNonBlocking(descriptor)
  }

  var unsent: Int { output.count }

  /// Begins to connect to a port of this host; `done` hears the error number, 0 for none.
  func connect(to port: Int, _ done: @escaping @Sendable (Int32) -> Void) {
    let status = withLoopback(port) { Glibc.connect(descriptor, $0, $1) }
    if status != 0, errno != EINPROGRESS { return done(errno) }
    writing = readiness.when(descriptor, POLLOUT) { [self] in
      executor.execute { [self] in
        writing = nil
        guard !isClosed else { return }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        done(error)
      }
    }
  }

  func write(_ bytes: [UInt8]) {
    guard !isClosed else { return }
    output += bytes
    flush()
  }

  private func flush() {
    guard !isClosed, writing == nil else { return }
    while !output.isEmpty {
      let count = send(descriptor, output, output.count, Int32(MSG_NOSIGNAL))
      if count >= 0 {
        output.removeFirst(count)
      } else if errno == EAGAIN {
        writing = readiness.when(descriptor, POLLOUT) { [self] in
          executor.execute { [self] in
            writing = nil
            flush()
          }
        }
        break
      } else {
        // The peer is gone; what it sent before is still to be read, and its end behind that.
        output.removeAll()
        setReading(true)
      }
    }
    drained()
  }

  func setReading(_ enabled: Bool) {
    guard !isClosed, enabled != (reading != nil) else { return }
    if enabled {
      reading = readiness.when(descriptor, POLLIN) { [self] in
        executor.execute { [self] in receive() }
      }
    } else {
      readiness.forget(reading.take())
    }
  }

  private func receive() {
    // Reading may have been stopped since.
    guard !isClosed, reading.take() != nil else { return }
    let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      count = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    if !bytes.isEmpty { setReading(true) }
    received(bytes)
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    readiness.forget(reading.take())
    readiness.forget(writing.take())
    (received, drained) = ({ _ in }, {})
    shutdown(descriptor, Int32(SHUT_RDWR))
    Glibc.close(descriptor)
  }
}

/// A port of the loopback interface.
struct PlainPort {
  let descriptor: Int32
  let number: Int

  /// Takes a free port. As long as nobody listens there and it is not closed, connections to it are
  /// refused, and nobody else gets it.
  init(listens: Bool, backlog: Int32 = 128) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let bound = descriptor
    _ = withLoopback(0) { bind(bound, $0, $1) }
    if listens { listen(descriptor, backlog) }
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(bound, $0, &size) }
    }
    number = Int(address.sin_port.bigEndian)
    setNonBlocking(descriptor)
  }

  func close() { Glibc.close(descriptor) }

  /// Begins a connection to this port that nobody looks after.
  func connectBlindly() -> PlainPort { PlainPort(connectingTo: number) }

  private init(connectingTo number: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.number = number
    setNonBlocking(descriptor)
    let connecting = descriptor
    _ = withLoopback(number) { connect(connecting, $0, $1) }
  }
}

private func setNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}

private func withLoopback(
  _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return withUnsafePointer(to: address) { address in
    address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
#endif
