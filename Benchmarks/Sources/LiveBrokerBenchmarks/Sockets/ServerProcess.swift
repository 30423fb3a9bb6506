// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker
import LiveEmulator

/// The server in another process: this same program, told what to be by its arguments, and asked by
/// lines on its standard input. It ends when that ends, so it never outlives who started it.
final class ServerProcess: Sendable {
  struct Failed: Error, CustomStringConvertible {
    var description: String
  }

  /// Where it listens.
  let endpoint: LiveEndpoint
  /// Its certificate, where clients must trust it; nil without TLS.
  let certificate: String?
  let processID: Int32
  private let requests: FileHandle
  private let answers: FileHandle
  private let process: Process
  private let folder: URL?

  private init(
    _ process: Process, _ requests: FileHandle, _ answers: FileHandle, _ port: Int,
    _ identity: ThrowAwayIdentity?
  ) {
    self.process = process
    self.requests = requests
    self.answers = answers
    processID = process.processIdentifier
    certificate = identity?.certificate.path
    folder = identity?.folder
    endpoint = LiveEndpoint(
      host: identity == nil ? "127.0.0.1" : "localhost", port: port, usesTLS: identity != nil)
  }

  /// Runs a server for as long as `body` runs, and ends it on every way out.
  static func with<Result>(
    _ plan: ServerPlan, usesTLS: Bool, _ body: (ServerProcess) async throws -> Result
  ) async throws -> Result {
    let server = try start(plan, usesTLS: usesTLS)
    defer { server.stop() }
    return try await body(server)
  }

  private static func start(_ plan: ServerPlan, usesTLS: Bool) throws -> ServerProcess {
    var plan = plan
    let identity = usesTLS ? try ThrowAwayIdentity() : nil
    plan.certificate = identity?.certificate.path
    plan.key = identity?.key.path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let json = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
    process.arguments = [SocketCommands.server, json]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    try? output.fileHandleForWriting.close()
    try? input.fileHandleForReading.close()
    let answers = output.fileHandleForReading
    guard let port = Int(line(from: answers) ?? "") else {
      process.terminate()
      throw Failed(description: "the server's process did not begin")
    }
    return ServerProcess(process, input.fileHandleForWriting, answers, port, identity)
  }

  /// Asks for the account. Blocks while it is put together.
  func account(withSessions: Bool = false) throws -> ServerAccount {
    try requests.write(contentsOf: Data((withSessions ? "sessions\n" : "account\n").utf8))
    guard let line = Self.line(from: answers) else {
      throw Failed(description: "the server's process is gone")
    }
    return try JSONDecoder().decode(ServerAccount.self, from: Data(line.utf8))
  }

  private func stop() {
    try? requests.close()
    for _ in 0..<100 where process.isRunning { usleep(20_000) }
    if process.isRunning { kill(processID, SIGKILL) }
    process.waitUntilExit()
    try? answers.close()
    if let folder { try? FileManager.default.removeItem(at: folder) }
  }

  private static func line(from handle: FileHandle) -> String? {
    var bytes = Data()
    while true {
      let more = handle.availableData
      if more.isEmpty { return nil }
      bytes += more
      if bytes.last == UInt8(ascii: "\n") {
        return String(decoding: bytes.dropLast(), as: UTF8.self)
      }
    }
  }
}

// MARK: - In that process

extension ServerProcess {
  /// Serves until standard input ends.
  static func main(_ arguments: ArraySlice<String>) async -> Int32 {
    // Ctrl-C is for the process that started this one.
    signal(SIGINT, SIG_IGN)
    do {
      let plan = try JSONDecoder().decode(
        ServerPlan.self, from: Data((arguments.first ?? "{}").utf8))
      try await withEmulatorServer(plan.configuration) { server in
        say("\(server.port)")
        for await line in requestLines() {
          let account = ServerAccount(
            server.figures, try await server.report(), withSessions: line == "sessions")
          say(String(decoding: try JSONEncoder().encode(account), as: UTF8.self))
        }
      }
      return 0
    } catch {
      SocketCommands.complain("server: \(error)")
      return 70
    }
  }

  private static func say(_ line: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
  }

  private static func requestLines() -> AsyncStream<String> {
    let (lines, feed) = AsyncStream.makeStream(of: String.self)
    Thread.detachNewThread {
      while let line = readLine() { feed.yield(line) }
      feed.finish()
    }
    return lines
  }
}

/// A certificate for `localhost` that nobody else trusts, and its key, in a folder of their own.
struct ThrowAwayIdentity {
  let folder: URL
  var certificate: URL { folder.appendingPathComponent("certificate.pem") }
  var key: URL { folder.appendingPathComponent("key.pem") }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("live-broker-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
      "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key.path, "-out", certificate.path,
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    guard openssl.terminationStatus == 0 else {
      throw ServerProcess.Failed(description: "openssl made no certificate")
    }
  }
}
#endif
