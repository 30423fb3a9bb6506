// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The file into which a run writes its trace. Opened before the run begins, so that a path that
/// cannot be written costs no time; what goes wrong while writing is told at the end.
final class TraceFile: Sendable {
  let path: String
  private let handle: FileHandle
  private let failure = Mutex<String?>(nil)

  /// Takes over a file that is open already.
  init(path: String, handle: FileHandle) {
    self.path = path
    self.handle = handle
  }

  /// Creates the file, or empties it if it is there.
  convenience init(path: String) throws(OutputFileError) {
    // Not by FileManager: it puts a new file in the place of the old one, which breaks links and
    // turns a device such as /dev/null into a plain file.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw OutputFileError(path: path, reason: String(cString: strerror(errno)))
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    self.init(path: path, handle: handle)
  }

  /// Appends the bytes. The first failure is kept for ``close()``; after it nothing is written.
  func write(_ bytes: UnsafeRawBufferPointer) {
    failure.withLock { failure in
      guard failure == nil else { return }
      do {
        try handle.write(contentsOf: Data(bytes))
      } catch {
        failure = error.localizedDescription
      }
    }
  }

  /// Closes the file, and says whether all of it was written.
  func close() throws(OutputFileError) {
    do {
      try handle.close()
    } catch {
      failure.withLock { $0 = $0 ?? error.localizedDescription }
    }
    if let reason = failure.withLock({ $0 }) { throw OutputFileError(path: path, reason: reason) }
  }
}

/// A file could not be written.
struct OutputFileError: Error, Equatable, CustomStringConvertible {
  /// What it would have held.
  var content = "the trace"
  var path: String
  var reason: String
  var description: String { "\(content) '\(path)' could not be written: \(reason)" }
}
